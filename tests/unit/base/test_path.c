/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"
#include "base/path.h"
#include "support/support.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int make_folder(void **state)
{
	*state = kt_test_make_dir();
	return 0;
}

static int remove_folder(void **state)
{
	kt_test_remove_dir(*state);
	return 0;
}

static void test_write_and_read(void **state)
{
	kt_auto_free char *path = kt_path_join(*state, "file");
	kt_auto_err err = {0};
	kt_auto_str text = {0};
	struct stat st;

	assert_int_equal(kt_write_file(path, KT_SV("one"), 0600, &err), 0);
	assert_int_equal(kt_write_file(path, KT_SV("second"), 0640, &err), 0);
	assert_int_equal(kt_read_file(path, 6, &text, &err), 0);
	assert_string_equal(text.data, "second");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(kt_read_file(path, 5, &text, &err), -EFBIG);
	assert_string_equal(text.data, "second"); /* as it was */
	kt_err_clear(&err);
	kt_auto_free char *none = kt_path_join(*state, "none");
	assert_int_equal(kt_read_file(none, 5, &text, &err), -ENOENT);
	assert_non_null(strstr(err.message, "none"));
	kt_auto_free char *below = kt_path_join(path, "below");
	assert_int_equal(kt_write_file(below, KT_SV(""), 0600, &err), -ENOTDIR);
}

static void test_failed_write_leaves_nothing(void **state)
{
	kt_auto_free char *path = kt_path_join(*state, "taken");
	kt_auto_err err = {0};

	/* A folder cannot be replaced by a file. */
	assert_int_equal(mkdir(path, 0700), 0);
	assert_true(kt_write_file(path, KT_SV("x"), 0600, &err) < 0);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rmdir(*state), 0); /* so it is empty */
	assert_int_equal(mkdir(*state, 0700), 0);
}

static void test_beneath(void **state)
{
	kt_auto_err err = {0};
	kt_auto_free char *inner = kt_path_join(*state, "inner/deep");
	kt_auto_free char *link = kt_path_join(*state, "inner/out");

	assert_int_equal(kt_make_dirs(inner, 0700, &err), 0);
	assert_int_equal(kt_make_dirs(inner, 0700, &err), 0);
	assert_int_equal(symlink("../..", link), 0);
	kt_auto_free char *root = kt_path_join(*state, "inner");
	kt_auto_close int dir = open(root, O_RDONLY | O_DIRECTORY);
	assert_true(dir >= 0);
	kt_auto_close int fd = kt_open_beneath(dir, "deep/file", O_CREAT | O_WRONLY, 0600, &err);
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	kt_auto_close int same = kt_open_beneath(dir, "deep/../deep/file", O_RDONLY, 0, &err);
	assert_true(same >= 0);
	assert_int_equal(kt_open_beneath(dir, "../x", O_CREAT | O_WRONLY, 0600, &err), -EXDEV);
	assert_string_equal(err.message, "opening ../x: it leads out of its folder");
	assert_int_equal(kt_open_beneath(dir, "out/x", O_CREAT | O_WRONLY, 0600, &err), -EXDEV);
	assert_int_equal(kt_open_beneath(dir, "/etc/passwd", O_RDONLY, 0, &err), -EXDEV);
	kt_auto_free char *file = kt_path_join(*state, "inner/deep/file");
	assert_int_equal(kt_make_dirs(file, 0700, &err), -ENOTDIR);
}

static void check_join(const char *a, const char *b, const char *want)
{
	kt_auto_free char *joined = kt_path_join(a, b);

	assert_string_equal(joined, want);
}

static void test_join(void **state)
{
	(void)state;
	check_join("a", "b", "a/b");
	check_join("a/", "/b", "a/b");
	check_join("/", "b", "/b");
	check_join("", "b", "b");
	check_join("a//", "", "a");
}

static void test_homes(void **state)
{
	assert_int_equal(setenv("HOME", *state, 1), 0);
	assert_int_equal(setenv("XDG_CONFIG_HOME", "/cfg/", 1), 0);
	assert_int_equal(setenv("XDG_STATE_HOME", "relative", 1), 0);
	assert_int_equal(unsetenv("XDG_RUNTIME_DIR"), 0);
	kt_auto_free char *config = kt_config_home();
	assert_string_equal(config, "/cfg/kube-tui");
	kt_auto_free char *state_home = kt_state_home();
	kt_auto_free char *want = kt_path_join(*state, ".local/state/kube-tui");
	assert_string_equal(state_home, want);
	kt_auto_free char *runtime = kt_runtime_home();
	struct stat st;
	assert_int_equal(stat(runtime, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_write_and_read, make_folder, remove_folder),
	        cmocka_unit_test_setup_teardown(
	                test_failed_write_leaves_nothing, make_folder, remove_folder),
	        cmocka_unit_test_setup_teardown(test_beneath, make_folder, remove_folder),
	        cmocka_unit_test(test_join),
	        cmocka_unit_test_setup_teardown(test_homes, make_folder, remove_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
