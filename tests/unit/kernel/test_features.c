// SPDX-License-Identifier: Apache-2.0
/*
 * What `saker check` reads and tries: the pure parts on given text, the rest on whatever kernel
 * this runs on.
 */
#include "fixture.h"
#include "groups.h"

#include <dirent.h>

#include "kernel/capability_mount.h"

static void mounts_are_found(void **state UNUSED)
{
	static const char info[] =
		"22 1 0:21 / /proc rw,relatime - proc proc rw\n"
		"30 22 0:26 / /sys/fs/cgroup/a\\040b\\134c rw shared:9 - cgroup2 cgroup2 "
		"rw,nsdelegate\n"
		"31 22 0:27 / /mnt/cgroup2 rw - tmpfs cgroup2 rw\n"
		"32 22 0:28 / /broken rw\n"
		"33 22 0:29 / /last rw - bpf bpf rw,mode=700";
	_cleanup_buf_ struct buf point = { 0 }, options = { 0 };

	assert_int_equal(mount_find(info, "cgroup2", &point, &options), 0);
	assert_string_equal(buf_str(&point), "/sys/fs/cgroup/a b\\c");
	assert_string_equal(buf_str(&options), "rw,nsdelegate");
	assert_int_equal(mount_find(info, "bpf", &point, &options), 0);
	assert_string_equal(buf_str(&point), "/last");
	assert_string_equal(buf_str(&options), "rw,mode=700");
	/* not the source, not the beginning of a type, not a line that has no type */
	assert_int_equal(mount_find(info, "cgroup", &point, NULL), -ENOENT);
	assert_int_equal(mount_find(info, "", &point, NULL), -ENOENT);
	assert_int_equal(mount_find("", "bpf", &point, NULL), -ENOENT);
	assert_string_equal(buf_str(&point), "/last");
}

static void words_are_found(void **state UNUSED)
{
	char word[16];

	bracketed_word("none [integrity] confidentiality", word, sizeof(word));
	assert_string_equal(word, "integrity");
	bracketed_word("none", word, sizeof(word));
	assert_string_equal(word, "");
	bracketed_word("] [none", word, sizeof(word));
	assert_string_equal(word, "");
	bracketed_word("[a very long word that does not fit]", word, sizeof(word));
	assert_string_equal(word, "a very long wor");
	assert_true(word_in_list("lockdown,capability,bpf\n", "bpf"));
	assert_true(word_in_list("bpf,yama", "bpf"));
	assert_false(word_in_list("lockdown,ebpf,bpfx", "bpf"));
	assert_false(word_in_list("", "bpf"));
}

static void findings_are_kept(void **state UNUSED)
{
	_cleanup_findings_ struct findings f = { 0 };

	for (int i = 0; i < 100; i++)
		findings_add(&f, FINDING_MAP, FINDING_OK, i == 70 ? "hash" : "other", "use", NULL,
			     "number %d", i);
	assert_int_equal(f.error, 0);
	assert_int_equal(f.count, 100);
	assert_string_equal(findings_find(&f, FINDING_MAP, "hash")->found, "number 70");
	assert_null(findings_find(&f, FINDING_PROGRAM, "hash"));
}

static size_t open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* Every kernel from 5.10 has these; and nothing stays open. */
static void features_are_probed(void **state UNUSED)
{
	static const char *const always[] = { "raw_tp", "tp_btf", "tracepoint", "perf_event",
					      "socket_filter" };
	_cleanup_findings_ struct findings first = { 0 }, second = { 0 };
	size_t before;

	need_bpf();
	before = open_descriptors();
	assert_int_equal(features_probe(&first), 0);
	assert_int_equal(open_descriptors(), before);
	for (size_t i = 0; i < ARRAY_SIZE(always); i++) {
		const struct finding *found = findings_find(&first, FINDING_PROGRAM, always[i]);

		assert_non_null(found);
		if (found->state != FINDING_OK)
			fail_msg("%s: %s", always[i], found->found);
	}
	assert_int_equal(findings_find(&first, FINDING_MAP, "hash")->state, FINDING_OK);
	assert_int_equal(findings_find(&first, FINDING_MAP, "ringbuf")->state, FINDING_OK);
	assert_int_equal(findings_find(&first, FINDING_HELPER, "ringbuf_reserve")->state,
			 FINDING_OK);
	/* the same answer twice, and a reason for every other one */
	assert_int_equal(features_probe(&second), 0);
	assert_int_equal(first.count, second.count);
	for (size_t i = 0; i < first.count; i++) {
		assert_int_equal(first.items[i].state, second.items[i].state);
		assert_string_equal(first.items[i].name, second.items[i].name);
		assert_true(first.items[i].state == FINDING_OK || *first.items[i].found);
	}
}

/* What a kernel of that age must have; distributions put it into older ones too. */
static void features_agree_with_the_version(void **state UNUSED)
{
	static const struct {
		const char *name;
		u32 since;
	} helpers[] = {
		{ "loop", KERNEL_VERSION_CODE(5, 17, 0) },
		{ "for_each_map_elem", KERNEL_VERSION_CODE(5, 13, 0) },
		{ "may_goto", KERNEL_VERSION_CODE(6, 9, 0) },
		{ "open-coded iterators", KERNEL_VERSION_CODE(6, 4, 0) },
		{ "atomic fetch", KERNEL_VERSION_CODE(5, 12, 0) },
	};
	_cleanup_findings_ struct findings f = { 0 };

	need_bpf();
	assert_int_equal(features_probe(&f), 0);
	for (size_t i = 0; i < ARRAY_SIZE(helpers); i++) {
		bool has = findings_find(&f, FINDING_HELPER, helpers[i].name)->state == FINDING_OK;

		if (!has && kernel_version() >= helpers[i].since)
			fail_msg("%s was not found", helpers[i].name);
	}
}

static void machine_is_examined(void **state UNUSED)
{
	_cleanup_findings_ struct findings f = { 0 };

	assert_int_equal(capability_examine(&f), 0);
	assert_non_null(findings_find(&f, FINDING_KERNEL, "version"));
	assert_non_null(findings_find(&f, FINDING_SECURITY, "LSMs"));
	assert_non_null(findings_find(&f, FINDING_MOUNT, "cgroups"));
	assert_non_null(findings_find(&f, FINDING_CAPABILITY, "CAP_BPF"));
	for (size_t i = 0; i < f.count; i++)
		assert_true(f.items[i].group < FINDING_PROGRAM);
}

int test_features(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(mounts_are_found),
		cmocka_unit_test(words_are_found),
		cmocka_unit_test(findings_are_kept),
		cmocka_unit_test(features_are_probed),
		cmocka_unit_test(features_agree_with_the_version),
		cmocka_unit_test(machine_is_examined),
	};

	return cmocka_run_group_tests_name("features", tests, NULL, NULL);
}
