/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/auth/rbac.h"

#include "base/log.h"
#include "base/vec.h"

#include <errno.h>

enum subject_kind { SUBJECT_USER, SUBJECT_GROUP, SUBJECT_SERVICE_ACCOUNT };

struct kt_rbac_subject {
	enum subject_kind kind;
	const char *name, *namespace;
};

struct kt_rbac_binding {
	struct kt_arena arena;
	const char *name, *namespace; /* namespace "": a ClusterRoleBinding */
	bool is_cluster_role;
	const char *role;
	struct kt_rbac_subject *subjects;
	size_t n_subjects;
};

struct role {
	struct kt_arena arena;
	struct kt_rbac_rules rules;
};

enum source_kind { ROLES, CLUSTER_ROLES, ROLE_BINDINGS, CLUSTER_ROLE_BINDINGS, N_SOURCES };

static const char *const prefixes[N_SOURCES] = {
        "/registry/roles/",
        "/registry/clusterroles/",
        "/registry/rolebindings/",
        "/registry/clusterrolebindings/",
};

/* Follows one prefix. On the heap of its own: its task may still be posted when the index goes. */
struct source {
	struct kt_rbac_index *index; /* NULL: gone */
	enum source_kind kind;
	struct kt_storage_watch *watch;
	struct kt_task wake;
};

struct kt_rbac_index {
	struct kt_storage *storage;
	struct kt_loop *loop;
	struct source *sources[N_SOURCES];
	pthread_rwlock_t lock;    /* protects the maps; taken alone */
	struct kt_map roles;      /* "ns/name", "/name" for cluster roles -> struct role */
	struct kt_map namespaces; /* ns, "" for cluster bindings -> struct kt_map of name -> struct
	                             kt_rbac_binding */
};

static void free_role(void *value)
{
	struct role *role = value;

	kt_arena_finish(&role->arena);
	free(role);
}

static void free_binding(void *value)
{
	struct kt_rbac_binding *binding = value;

	kt_arena_finish(&binding->arena);
	free(binding);
}

static void free_bindings(void *value)
{
	kt_map_finish(value);
	free(value);
}

static struct role *parse_role(const json_t *tree)
{
	struct role *role = kt_new(struct role);

	kt_arena_init(&role->arena);
	role->rules = kt_rbac_rules_parse(&role->arena, json_object_get(tree, "rules"));
	return role;
}

static void parse_subjects(struct kt_rbac_binding *binding, const json_t *list)
{
	size_t i;
	json_t *item;

	binding->subjects = kt_arena_alloc(
	        &binding->arena, (json_array_size(list) + 1) * sizeof(*binding->subjects));
	json_array_foreach(list, i, item) {
		const char *kind = kt_jstr(item, "kind"), *name = kt_jstr(item, "name"),
		           *namespace = kt_jstr(item, "namespace");
		struct kt_rbac_subject *subject = &binding->subjects[binding->n_subjects];

		if (kt_streq(kind, "User"))
			subject->kind = SUBJECT_USER;
		else if (kt_streq(kind, "Group"))
			subject->kind = SUBJECT_GROUP;
		else if (kt_streq(kind, "ServiceAccount"))
			subject->kind = SUBJECT_SERVICE_ACCOUNT;
		else
			continue;
		subject->name = kt_arena_strdup(&binding->arena, name ? name : "");
		subject->namespace = kt_arena_strdup(&binding->arena, namespace ? namespace : "");
		binding->n_subjects++;
	}
}

static struct kt_rbac_binding *parse_binding(
        const json_t *tree, struct kt_sv namespace, struct kt_sv name)
{
	struct kt_rbac_binding *binding = kt_new(struct kt_rbac_binding);
	const char *role = kt_jstr(tree, "roleRef.name");

	kt_arena_init(&binding->arena);
	binding->name = kt_arena_strndup(&binding->arena, name.p, name.len);
	binding->namespace = kt_arena_strndup(&binding->arena, namespace.p, namespace.len);
	binding->is_cluster_role = kt_streq(kt_jstr(tree, "roleRef.kind"), "ClusterRole");
	binding->role = kt_arena_strdup(&binding->arena, role ? role : "");
	parse_subjects(binding, json_object_get(tree, "subjects"));
	return binding;
}

/* "/registry/roles/ns/name" -> ns, name; without a namespace ns is "". */
static void split_key(
        enum source_kind kind, const char *key, struct kt_sv *ret_namespace, struct kt_sv *ret_name)
{
	const char *rest = key + strlen(prefixes[kind]);
	const char *slash = kind == ROLES || kind == ROLE_BINDINGS ? strchr(rest, '/') : NULL;

	*ret_namespace = slash ? (struct kt_sv){rest, (size_t)(slash - rest)} : KT_SV("");
	*ret_name = kt_sv_of(slash ? slash + 1 : rest);
}

static bool is_role(enum source_kind kind)
{
	return kind == ROLES || kind == CLUSTER_ROLES;
}

static void put_binding(struct kt_rbac_index *index, struct kt_rbac_binding *binding)
{
	struct kt_map *bindings = kt_map_get(&index->namespaces, binding->namespace);

	if (!bindings) {
		bindings = kt_new(struct kt_map);
		kt_map_init(bindings, free_binding);
		kt_map_set(&index->namespaces, binding->namespace, bindings);
	}
	kt_map_set(bindings, binding->name, binding);
}

static void drop_binding(struct kt_rbac_index *index, struct kt_sv namespace, struct kt_sv name)
{
	kt_auto_free char *ns = kt_sv_dup(namespace), *text = kt_sv_dup(name);
	struct kt_map *bindings = kt_map_get(&index->namespaces, ns);

	if (bindings && kt_map_del(bindings, text) && bindings->n == 0)
		kt_map_del(&index->namespaces, ns);
}

/* One object came or changed (object) or went (NULL). Parsing is done before the lock is taken. */
static void apply(struct kt_rbac_index *index, enum source_kind kind, const char *key,
        const struct kt_object *object)
{
	struct kt_sv namespace, name;
	kt_auto_free char *role_key = NULL;
	kt_auto_json json_t *tree = object ? kt_object_tree(object) : NULL;
	struct role *role = NULL;
	struct kt_rbac_binding *binding = NULL;

	split_key(kind, key, &namespace, &name);
	role_key = kt_asprintf("%.*s/%.*s", (int)namespace.len, namespace.p, (int)name.len, name.p);
	if (tree && is_role(kind))
		role = parse_role(tree);
	else if (tree)
		binding = parse_binding(tree, namespace, name);
	pthread_rwlock_wrlock(&index->lock);
	if (role)
		kt_map_set(&index->roles, role_key, role);
	else if (is_role(kind))
		kt_map_del(&index->roles, role_key);
	else if (binding)
		put_binding(index, binding);
	else
		drop_binding(index, namespace, name);
	pthread_rwlock_unlock(&index->lock);
}

/* Takes out everything of one source, before it is loaded anew. */
static void forget(struct kt_rbac_index *index, enum source_kind kind)
{
	const char *key;
	size_t it = 0;

	pthread_rwlock_wrlock(&index->lock);
	while (is_role(kind) && kt_map_next(&index->roles, &it, &key, NULL))
		if ((kind == CLUSTER_ROLES) == (*key == '/'))
			kt_map_del(&index->roles, key);
	it = 0;
	while (!is_role(kind) && kt_map_next(&index->namespaces, &it, &key, NULL))
		if ((kind == CLUSTER_ROLE_BINDINGS) == (*key == 0))
			kt_map_del(&index->namespaces, key);
	pthread_rwlock_unlock(&index->lock);
}

static int load(struct source *source, struct kt_err *err)
{
	struct kt_rbac_index *index = source->index;
	struct kt_storage_range range = {.prefix = prefixes[source->kind]};
	struct kt_storage_list list = {0};
	int r = index->storage->ops->range(index->storage, &range, &list, err);

	if (r < 0)
		return kt_wrap(err, "reading %s", range.prefix);
	forget(index, source->kind);
	for (size_t i = 0; i < list.n; i++)
		apply(index, source->kind, kt_object_key(list.objects[i]), list.objects[i]);
	r = index->storage->ops->watch_open(index->storage, range.prefix, list.revision,
	        index->loop, &source->wake, &source->watch, err);
	kt_storage_list_finish(&list);
	return r < 0 ? kt_wrap(err, "watching %s", range.prefix) : 0;
}

static int follow(struct source *source, struct kt_err *err)
{
	struct kt_rbac_index *index = source->index;
	struct kt_storage_event event;
	int r;

	if (!source->watch)
		return load(source, err);
	while ((r = index->storage->ops->watch_next(source->watch, &event)) > 0) {
		apply(index, source->kind, kt_object_key(event.object),
		        event.type == KT_STORAGE_EVENT_PUT ? event.object : NULL);
		kt_storage_event_finish(&event);
	}
	if (r == 0)
		return 0;
	index->storage->ops->watch_close(source->watch);
	source->watch = NULL;
	return load(source, err);
}

static void on_wake(struct kt_task *task)
{
	struct source *source = kt_container_of(task, struct source, wake);
	kt_auto_err err = KT_ERR_INIT;

	if (!source->index)
		free(source);
	else if (follow(source, &err) < 0)
		kt_log_error("rbac", "%s", kt_err_message(&err));
}

int kt_rbac_index_create(struct kt_storage *storage, struct kt_loop *loop,
        struct kt_rbac_index **ret_index, struct kt_err *err)
{
	struct kt_rbac_index *index = kt_new(struct kt_rbac_index);
	int r = 0;

	index->storage = storage;
	index->loop = loop;
	pthread_rwlock_init(&index->lock, NULL);
	kt_map_init(&index->roles, free_role);
	kt_map_init(&index->namespaces, free_bindings);
	for (int i = 0; i < N_SOURCES && r >= 0; i++) {
		struct source *source = kt_new(struct source);

		source->index = index;
		source->kind = (enum source_kind)i;
		kt_task_init(&source->wake, on_wake);
		index->sources[i] = source;
		r = load(source, err);
	}
	if (r < 0) {
		kt_rbac_index_destroy(index);
		return r;
	}
	*ret_index = index;
	return 0;
}

void kt_rbac_index_destroy(struct kt_rbac_index *index)
{
	if (!index)
		return;
	for (int i = 0; i < N_SOURCES; i++) {
		struct source *source = index->sources[i];

		if (!source)
			continue;
		if (source->watch)
			index->storage->ops->watch_close(source->watch);
		source->index = NULL;
		if (!atomic_load(&source->wake.queued))
			free(source); /* else the task, when it runs */
	}
	kt_map_finish(&index->roles);
	kt_map_finish(&index->namespaces);
	pthread_rwlock_destroy(&index->lock);
	free(index);
}

int kt_rbac_index_sync(struct kt_rbac_index *index, struct kt_err *err)
{
	for (int i = 0; i < N_SOURCES; i++) {
		int r = follow(index->sources[i], err);

		if (r < 0)
			return r;
	}
	return 0;
}

/* "system:serviceaccount:ns:name" is that account? */
static bool is_service_account(const char *user, const char *namespace, const char *name)
{
	static const char prefix[] = "system:serviceaccount:";
	size_t len = strlen(namespace);

	return !strncmp(user, prefix, sizeof(prefix) - 1) &&
	       !strncmp(user + sizeof(prefix) - 1, namespace, len) &&
	       user[sizeof(prefix) - 1 + len] == ':' && !strcmp(user + sizeof(prefix) + len, name);
}

static bool subject_matches(const struct kt_rbac_binding *binding,
        const struct kt_rbac_subject *subject, const struct kt_user *user)
{
	const char *namespace = *subject->namespace ? subject->namespace : binding->namespace;

	switch (subject->kind) {
	case SUBJECT_USER:
		return !strcmp(subject->name, user->name);
	case SUBJECT_GROUP:
		return kt_user_in_group(user, subject->name);
	case SUBJECT_SERVICE_ACCOUNT:
		return *namespace && is_service_account(user->name, namespace, subject->name);
	}
	return false;
}

static void note_missing_role(
        struct kt_rbac_visitor *visitor, const struct kt_rbac_binding *binding)
{
	if (visitor->n_errors++)
		kt_str_puts(&visitor->errors, ", ");
	kt_str_printf(&visitor->errors, "%s.rbac.authorization.k8s.io \"%s\" not found",
	        binding->is_cluster_role ? "clusterrole" : "role", binding->role);
}

static const struct role *find_role(const struct kt_rbac_index *index, bool is_cluster_role,
        const char *namespace, const char *name)
{
	kt_auto_free char *key = kt_asprintf("%s/%s", is_cluster_role ? "" : namespace, name);

	return kt_map_get(&index->roles, key);
}

/* False: the visitor has enough. */
static bool visit_binding(struct kt_rbac_index *index, const struct kt_user *user,
        const struct kt_rbac_binding *binding, struct kt_rbac_visitor *visitor)
{
	const struct role *role;
	size_t i = 0;

	while (i < binding->n_subjects && !subject_matches(binding, &binding->subjects[i], user))
		i++;
	if (i == binding->n_subjects)
		return true;
	role = find_role(index, binding->is_cluster_role, binding->namespace, binding->role);
	if (!role) {
		note_missing_role(visitor, binding);
		return true;
	}
	visitor->binding = binding;
	visitor->subject = &binding->subjects[i];
	for (i = 0; i < role->rules.n; i++)
		if (!visitor->rule(visitor, &role->rules.items[i]))
			return false;
	return true;
}

static bool visit_namespace(struct kt_rbac_index *index, const struct kt_user *user,
        const char *namespace, struct kt_rbac_visitor *visitor)
{
	const struct kt_map *bindings = kt_map_get(&index->namespaces, namespace);
	size_t it = 0;
	void *binding;

	while (bindings && kt_map_next(bindings, &it, NULL, &binding))
		if (!visit_binding(index, user, binding, visitor))
			return false;
	return true;
}

void kt_rbac_visit(struct kt_rbac_index *index, const struct kt_user *user, const char *namespace,
        struct kt_rbac_visitor *visitor)
{
	pthread_rwlock_rdlock(&index->lock);
	if (visit_namespace(index, user, "", visitor) && namespace && *namespace)
		visit_namespace(index, user, namespace, visitor);
	pthread_rwlock_unlock(&index->lock);
}

char *kt_rbac_describe(const struct kt_rbac_visitor *visitor)
{
	const struct kt_rbac_binding *b = visitor->binding;
	const struct kt_rbac_subject *s = visitor->subject;
	static const char *const kinds[] = {"User", "Group", "ServiceAccount"};
	kt_auto_free char *name =
	        *b->namespace ? kt_asprintf("%s/%s", b->name, b->namespace) : kt_strdup(b->name);
	kt_auto_free char *subject = s->kind == SUBJECT_SERVICE_ACCOUNT
	                                     ? kt_asprintf("%s/%s", s->name, s->namespace)
	                                     : kt_strdup(s->name);

	return kt_asprintf("RBAC: allowed by %s \"%s\" of %s \"%s\" to %s \"%s\"",
	        *b->namespace ? "RoleBinding" : "ClusterRoleBinding", name,
	        b->is_cluster_role ? "ClusterRole" : "Role", b->role, kinds[s->kind], subject);
}
