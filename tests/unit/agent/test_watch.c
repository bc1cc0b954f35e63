// SPDX-License-Identifier: Apache-2.0
/* Every way in which people and programs change a file is noticed, and nothing else is. */
#include "groups.h"

#include "agent/watch.h"

#include <poll.h>
#include <sys/stat.h>

/* inotify has its events at once: no wait is needed to see that there are none. */
static bool noticed(struct config_watch *w)
{
	struct pollfd fd = { .fd = config_watch_fd(w), .events = POLLIN };

	return poll(&fd, 1, 0) > 0 && config_watch_changed(w);
}

static void in_place_and_by_rename(void **state)
{
	const char *path = in_folder(state, "agent.yaml"), *other = in_folder(state, "agent.yaml~");
	struct config_watch *w;

	write_text(path, "a");
	assert_int_equal(config_watch_new(path, &w), 0);
	assert_false(noticed(w));
	write_text(path, "ab");
	assert_true(noticed(w));
	assert_false(noticed(w));
	write_text(other, "abc");
	assert_false(noticed(w));
	assert_int_equal(rename(other, path), 0);
	assert_true(noticed(w));
	/* The file that took its place is watched as well. */
	write_text(path, "abcd");
	assert_true(noticed(w));
	assert_int_equal(unlink(path), 0);
	assert_false(noticed(w));
	write_text(path, "abcde");
	assert_true(noticed(w));
	config_watch_free(w);
}

/* As configuration maps do it: the path goes through a link that is swapped. */
static void by_a_link(void **state)
{
	const char *path = in_folder(state, "agent.yaml"), *one = in_folder(state, "one");
	struct config_watch *w;

	write_text(one, "1");
	write_text(in_folder(state, "two"), "22");
	assert_int_equal(symlink("one", path), 0);
	assert_int_equal(config_watch_new(path, &w), 0);
	write_text(one, "111");
	assert_true(noticed(w));
	assert_int_equal(symlink("two", in_folder(state, "new")), 0);
	assert_int_equal(rename(in_folder(state, "new"), in_folder(state, "agent.yaml")), 0);
	assert_true(noticed(w));
	config_watch_free(w);
}

static void a_folder_that_is_not_there(void **state)
{
	struct config_watch *w = NULL;

	assert_int_equal(config_watch_new(in_folder(state, "none/agent.yaml"), &w), -ENOENT);
	assert_null(w);
	assert_int_equal(config_watch_fd(NULL), -1);
	assert_null(config_watch_free(NULL));
}

static void the_store_folder_is_not_taken_from_others(void **state)
{
	struct config c = { .store_enabled = true, .user = (char *)"nobody" };
	uid_t uid;
	gid_t gid;
	struct stat st;

	if (geteuid() || privileges_user("nobody", &uid, &gid))
		skip();
	c.store_path = (char *)in_folder(state, "store");
	assert_int_equal(store_folder(&c), 0);
	assert_int_equal(stat(c.store_path, &st), 0);
	assert_int_equal(st.st_uid, uid);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(store_folder(&c), 0);
	c.user = (char *)"no such user";
	assert_int_equal(store_folder(&c), 0); /* it is empty */
	assert_int_equal(stat(c.store_path, &st), 0);
	assert_int_equal(st.st_uid, 0);
	write_text(in_folder(state, "store/partition"), "x");
	c.user = (char *)"nobody";
	assert_int_equal(store_folder(&c), -EPERM);
	assert_non_null(strstr(error_text(), "chown -R nobody"));
	assert_int_equal(symlink("store", in_folder(state, "link")), 0);
	c.store_path = (char *)in_folder(state, "link");
	assert_true(store_folder(&c) < 0);
}

int run_watch_tests(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(in_place_and_by_rename, folder_setup,
						folder_teardown),
		cmocka_unit_test_setup_teardown(by_a_link, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(a_folder_that_is_not_there, folder_setup,
						folder_teardown),
		cmocka_unit_test_setup_teardown(the_store_folder_is_not_taken_from_others,
						folder_setup, folder_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
