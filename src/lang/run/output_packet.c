// SPDX-License-Identifier: Apache-2.0
/*
 * skboutput(): packets into a pcap file. Classic format (tcpdump's, magic 0xa1b23c4d: nanoseconds),
 * link type Ethernet; argument 0 is the packet's bytes in the tail, its action's format the path.
 */
#include "lang/run/output_internal.h"

#include <fcntl.h>

struct pcap_header {
	u32 magic;
	u16 major, minor;
	s32 zone;
	u32 accuracy, snap, link;
};
struct pcap_packet {
	u32 seconds, nanoseconds, stored, length;
};

static int open_pcap(const char *path)
{
	struct pcap_header h = {
		.magic = 0xa1b23c4d, .major = 2, .minor = 4, .snap = 65535, .link = 1
	};
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	off_t end = fd >= 0 ? lseek(fd, 0, SEEK_END) : -1;

	if (fd < 0)
		return fail_errno(-errno, "skboutput: cannot open %s", path);
	if (!end && write(fd, &h, sizeof(h)) != sizeof(h)) {
		close(fd);
		return fail_errno(-errno, "skboutput: cannot write %s", path);
	}
	return fd;
}

void output_packet(struct output *o, const struct action *a, const u8 *record, u32 size)
{
	u64 wall = clock_wall_ns();
	struct pcap_packet p = { .seconds = (u32)(wall / NSEC_PER_SEC),
				 .nanoseconds = (u32)(wall % NSEC_PER_SEC) };
	_cleanup_buf_ struct buf b = {};
	_cleanup_close_ int fd = -1;
	u16 place[2];

	if (!a->argument_count)
		return;
	memcpy(place, record + a->arguments[0].offset, sizeof(place));
	place[1] &= TAIL_TRUNCATED - 1;
	if (place[0] > size || place[1] > size - place[0])
		return;
	fd = open_pcap(a->format);
	p.stored = p.length = place[1];
	buf_add(&b, &p, sizeof(p));
	buf_add(&b, record + place[0], place[1]);
	if (fd < 0 || write(fd, b.data, b.len) != (ssize_t)b.len)
		buf_printf(&o->messages, "ERROR: %s\n",
			   fd < 0 ? error_text() : "skboutput: cannot write the packet");
}
