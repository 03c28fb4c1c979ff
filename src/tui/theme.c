/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/theme.h"

#include "base/json.h"
#include "base/path.h"
#include "base/vec.h"
#include "base/yaml.h"

#include <dirent.h>
#include <errno.h>
#include <unistd.h>

#define SKIN_MAX_BYTES (256u << 10)

#ifndef KT_DATA_DIR
#define KT_DATA_DIR "/usr/share/kube-tui"
#endif

static const struct {
	const char *path, *stock;
} ROLES[KT_ROLE_COUNT] = {
#define X(role, path, stock) [KT_ROLE_##role] = {path, stock},
        KT_THEME_ROLES(X)
#undef X
};

void kt_theme_stock(struct kt_theme *ret_theme)
{
	ret_theme->name = kt_strdup("stock");
	for (size_t i = 0; i < KT_ROLE_COUNT; i++)
		kt_color_parse(ROLES[i].stock, &ret_theme->colors[i]);
}

void kt_theme_finish(struct kt_theme *theme)
{
	free(theme->name);
	theme->name = NULL;
}

static void read_role(
        struct kt_theme *theme, size_t role, const json_t *skin, struct kt_str *warnings)
{
	const json_t *value = kt_jget(skin, ROLES[role].path);
	const char *text = json_string_value(value);
	kt_color color;

	if (!value)
		return;
	if (text && kt_color_parse(text, &color))
		theme->colors[role] = color;
	else
		kt_str_printf(
		        warnings, "%s: %s is no colour\n", ROLES[role].path, text ? text : "this");
}

int kt_theme_parse(const char *name, struct kt_sv text, struct kt_theme *ret_theme,
        char **ret_warnings, struct kt_err *err)
{
	kt_auto_json json_t *tree = kt_yaml_parse_one(text, err);
	const json_t *skin = json_object_get(tree, "k9s");
	kt_auto_str warnings = KT_STR_INIT;

	if (!tree)
		return kt_wrap(err, "theme %s", name);
	if (!json_is_object(skin))
		return kt_fail(err, EINVAL, "theme %s: the key k9s is missing", name);
	kt_theme_stock(ret_theme);
	free(ret_theme->name);
	ret_theme->name = kt_strdup(name);
	for (size_t i = 0; i < KT_ROLE_COUNT; i++)
		read_role(ret_theme, i, skin, &warnings);
	if (ret_warnings)
		*ret_warnings = warnings.len ? kt_str_steal(&warnings) : NULL;
	return 0;
}

/* Beside the program: ../share/kube-tui where it is installed, the source's folder where it was
 * built (build/PRESET/kube-tui). */
static char *beside_program(const char *relative)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	char *slash = n > 0 ? memrchr(path, '/', (size_t)n) : NULL;

	return slash ? kt_asprintf("%.*s/%s", (int)(slash - path), path, relative)
	             : kt_strdup(relative);
}

/* Where themes are, in the order they are looked for: the user's, k9s', ours. */
static char *folder(size_t index)
{
	kt_auto_free char *own = kt_config_home();
	const char *k9s = getenv("K9S_CONFIG_DIR"), *xdg = getenv("XDG_CONFIG_HOME"),
	           *home = getenv("HOME");
	const char *given = getenv("KUBE_TUI_DATA_DIR");

	switch (index) {
	case 0:
		return kt_path_join(own, "themes");
	case 1:
		if (k9s && *k9s)
			return kt_path_join(k9s, "skins");
		if (xdg && *xdg)
			return kt_path_join(xdg, "k9s/skins");
		return kt_path_join(home ? home : "/", ".config/k9s/skins");
	case 2:
		return kt_path_join(given && *given ? given : KT_DATA_DIR, "themes");
	case 3:
		return beside_program("../share/kube-tui/themes");
	case 4:
		return beside_program("../../themes");
	default:
		return NULL;
	}
}

/* Path of a theme's file; heap, NULL when there is none. */
static char *find(const char *name)
{
	if (strchr(name, '/'))
		return kt_strdup(name);
	kt_auto_free char *file = kt_asprintf("%s.yaml", name);

	for (size_t i = 0;; i++) {
		kt_auto_free char *dir = folder(i);

		if (!dir)
			return NULL;
		kt_auto_free char *path = kt_path_join(dir, file);

		if (access(path, R_OK) == 0)
			return kt_steal(&path);
	}
}

int kt_theme_load(
        const char *name, struct kt_theme *ret_theme, char **ret_warnings, struct kt_err *err)
{
	kt_auto_free char *path = find(name);
	kt_auto_str text = KT_STR_INIT;

	if (!path && !strcmp(name, "stock")) {
		kt_theme_stock(ret_theme);
		return 0;
	}
	if (!path)
		return kt_fail(err, ENOENT, "there is no theme %s", name);
	if (kt_read_file(path, SKIN_MAX_BYTES, &text, err) < 0)
		return err->code;
	return kt_theme_parse(
	        name, (struct kt_sv){kt_str_text(&text), text.len}, ret_theme, ret_warnings, err);
}

char **kt_theme_names(void)
{
	KT_VEC(char *) names = {0};
	struct dirent *entry;

	kt_vec_push(&names, kt_strdup("stock"));
	for (size_t i = 0;; i++) {
		kt_auto_free char *dir = folder(i);
		DIR *open_dir = dir ? opendir(dir) : NULL;

		if (!dir)
			break;
		while (open_dir && (entry = readdir(open_dir))) {
			if (kt_ends_with(entry->d_name, ".yaml"))
				kt_vec_push(
				        &names, kt_strndup(entry->d_name,
				                        strlen(entry->d_name) - strlen(".yaml")));
		}
		if (open_dir)
			closedir(open_dir);
	}
	qsort(names.items, names.n, sizeof(*names.items), kt_strp_cmp);
	for (size_t i = 1; i < names.n;) { /* the same theme in two folders */
		if (strcmp(names.items[i - 1], names.items[i]) != 0) {
			i++;
			continue;
		}
		free(names.items[i]);
		kt_vec_remove(&names, i);
	}
	kt_vec_push(&names, NULL);
	return names.items;
}
