# SPDX-License-Identifier: Apache-2.0
# `./dev` is the entry point; this file says how things are made from what.
#
#   gadgets/NAME.bpf.c --clang--> NAME.bpf.o --linker--> NAME.o --.incbin--> gadgets_embedded.o
#   src/FOLDER/*.c, src/FOLDER/*/*.c ----------------------> lib/FOLDER.a
#   saker       = cli + the small libraries     saker-agent = cli/agent + store, serve and theirs
#   tests/unit/FOLDER/*.c --> tests/unit_FOLDER     tests/fuzz/fuzz_NAME.c --> tests/fuzz_NAME
#   tests/kernel/*.c -------> tests/kernel_matrix   tests/bench/bench_NAME.c -> tests/bench_NAME
#
# Variables: B=FOLDER (where it is built), SAN=1 (address and undefined-behaviour sanitizers, in
# build/san), FUZZ=1 (clang's fuzzer, in build/fuzz), WERROR=1, V=1 (show the commands).

VERSION := 0.1.0
CLANG ?= clang
CFLAGS ?= -O2 -g
MAKEFLAGS += -rR
ifeq ($(origin CC),default)
CC := $(if $(FUZZ),$(CLANG),gcc)
endif
ifeq ($(origin AR),default)
AR := ar
endif

B ?= build
ifdef SAN
B := build/san
SAN_FLAGS = -fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=undefined
CFLAGS = -O1 -g
endif
ifdef FUZZ
B := build/fuzz
SAN_FLAGS = -fsanitize=fuzzer-no-link,address,undefined -fno-omit-frame-pointer \
	-fno-sanitize-recover=undefined
CFLAGS = -O1 -g
endif

# snprintf() is how text is kept within its bounds here: that it may cut is no news.
WARN = -Wall -Wextra -Wno-unused-parameter -Wvla -Wshadow -Wstrict-prototypes \
	$(if $(FUZZ),,-Wno-format-truncation)
ALL_CFLAGS = -std=gnu11 $(CFLAGS) $(WARN) -Isrc -I$(B) -ffunction-sections -fdata-sections \
	-D_GNU_SOURCE -ffile-prefix-map=$(CURDIR)=. $(SAN_FLAGS)
ALL_LDFLAGS = $(LDFLAGS) -Wl,--gc-sections -Wl,--as-needed $(SAN_FLAGS)
BPF_CFLAGS = -g -O2 -target bpf -mcpu=v3 -Wall -Wextra -Wno-unused-parameter \
	-Wno-missing-field-initializers -Igadgets/include \
	-ffile-prefix-map=$(CURDIR)=. -fdebug-compilation-dir=.

# Folders from the lowest up: an archive may use those before it.
SMALL = base code kernel event host lang
LARGE = $(SMALL) store modules serve agent
FOLDERS = $(LARGE) cli
# Of libstdc++ only its demangler is taken (one member, which needs nothing else): `uprobe:x:cpp:f`.
SMALL_LIBS = -lbpf -lelf -lz -luv -lyaml -lpcre2-8 -ljansson -lcap -lm \
	-u __gcclibcxx_demangle_callback -l:libstdc++.a
LARGE_LIBS = $(SMALL_LIBS) -lsqlite3 -lzstd -lmicrohttpd -lseccomp -lpthread

# User-space sources of a folder and of its folders; a .bpf.c beside them is not one.
c_files = $(filter-out %.bpf.c,$(wildcard $(1)/*.c $(1)/*/*.c))
objects = $(patsubst src/%.c,$(B)/obj/%.o,$(1))
archive = $(patsubst %,$(B)/lib/%.a,$(1))

# upto(FOLDER,LIST): the list's folders as far as FOLDER. top(FILES): the highest folder whose
# headers they include, so that a test needs to build no more than what it tests.
upto = $(if $(2),$(firstword $(2)) $(if $(filter $(1),$(firstword $(2))),, \
	$(call upto,$(1),$(wordlist 2,99,$(2)))))
top = $(lastword base $(filter $(shell sed -n 's/^\#include "\([a-z]*\)\/.*/\1/p' $(1)),$(FOLDERS)))
# A folder and all below it; from event on (which reads them) the gadgets too.
libraries = $(call archive,$(call upto,$(1),$(FOLDERS))) \
	$(if $(filter event,$(call upto,$(1),$(FOLDERS))),$(B)/gadgets_embedded.o)
libraries_of = $(call libraries,$(call top,$(1)))

quiet = $(if $(V),,@printf '  %-5s %s\n' $(1) $(2);)

all: $(B)/saker $(B)/saker-agent

# What the flags were is part of what an object depends on. Written at parse time and only when it
# changed, so that a make with nothing to do starts no process for it.
remember = $(if $(call differ,$(file <$(B)/$(1)),is $(2)), \
	$(shell mkdir -p $(B))$(file >$(B)/$(1),is $(2)))
differ = $(subst x$(strip $(1)),,x$(strip $(2)))$(subst x$(strip $(2)),,x$(strip $(1)))
$(call remember,flags,$(CC) $(ALL_CFLAGS))
$(call remember,bpf_flags,$(CLANG) $(BPF_CFLAGS))

# ---- gadgets: clang for the BPF target, then the linker drops DWARF and what BTF says twice
GADGETS = $(sort $(basename $(basename $(notdir $(wildcard gadgets/*.bpf.c)))))

$(B)/gadgets/%.bpf.o: gadgets/%.bpf.c $(B)/bpf_flags
	@mkdir -p $(@D)
	$(call quiet,BPF,$<)$(CLANG) $(BPF_CFLAGS) $(if $(WERROR),-Werror) -MMD -MP -c $< -o $@

$(B)/gadgets/%.o: $(B)/gadgets/%.bpf.o $(B)/link_object
	@$(B)/link_object $@ $<

$(B)/link_object: tools/link_object.c
	@mkdir -p $(@D)
	$(call quiet,HOST,$<)$(CC) -std=gnu11 -O2 $(WARN) -o $@ $< -lbpf

# The list changes when a file comes or goes, so that a removed gadget leaves no trace.
$(call remember,gadgets.list,$(GADGETS))

$(call remember,headers.list,$(wildcard gadgets/include/*.h))

$(B)/gadgets.S: $(B)/gadgets.list $(B)/headers.list tools/embed.sh
	@sh tools/embed.sh $(B)/gadgets $(GADGETS) > $@

$(B)/gadgets_embedded.o: $(B)/gadgets.S $(GADGETS:%=$(B)/gadgets/%.o) \
		$(wildcard gadgets/include/*.h)
	@$(CC) -c $< -o $@

# ---- user space
compile = $(CC) $(ALL_CFLAGS) $(if $(WERROR),-Werror) $(DEFINES) -MMD -MP -c $< -o $@

$(B)/obj/%.o: src/%.c $(B)/flags
	@mkdir -p $(@D)
	$(call quiet,CC,$<)$(compile)

$(B)/obj/cli/%.o: DEFINES = -DSAKER_VERSION='"$(VERSION)"'

# The names of the system calls, from the headers that the compiler sees.
$(B)/syscall_names.h: tools/syscalls.sh $(B)/flags
	@sh $< $(CC) > $@
$(B)/obj/event/kind.o: $(B)/syscall_names.h

# ar's members would stay behind when a file goes, hence the rm; $(1).list notices that one went.
define FOLDER_RULE
$$(call remember,lib_$(1).list,$$(SOURCES_$(1)))
$(B)/lib/$(1).a: $$(call objects,$$(SOURCES_$(1))) $(B)/lib_$(1).list
	@mkdir -p $$(@D)
	@rm -f $$@
	@$$(AR) rcs $$@ $$(filter %.o,$$^)
endef
$(foreach f,$(LARGE),$(eval SOURCES_$(f) := $(call c_files,src/$(f))))
# The commands are a library too, without main(): their unit tests and the agent take from it.
SOURCES_cli := $(filter-out src/cli/main.c,$(wildcard src/cli/*.c src/cli/script/*.c))
AGENT_MAIN := $(wildcard src/cli/agent/*.c)
$(foreach f,$(FOLDERS),$(eval $(call FOLDER_RULE,$(f))))
$(call remember,agent_main.list,$(AGENT_MAIN))

# link(LIBRARIES): the objects as they are, the archives as a group
link = $(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) \
	-Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(1)

SAKER_SOURCES = $(SOURCES_cli) $(wildcard src/cli/main.c)
$(B)/saker: $(call objects,$(SAKER_SOURCES)) $(call archive,$(SMALL)) $(B)/gadgets_embedded.o \
		$(B)/lib_cli.list
	$(call quiet,LINK,$@)$(call link,$(SMALL_LIBS))

$(B)/saker-agent: $(call objects,$(AGENT_MAIN)) $(call archive,$(FOLDERS)) \
		$(B)/gadgets_embedded.o $(B)/agent_main.list
	$(call quiet,LINK,$@)$(call link,$(LARGE_LIBS))

# Sizes as they are installed.
$(B)/stripped/%: $(B)/%
	@mkdir -p $(@D)
	@strip -o $@ $<

size: $(B)/stripped/saker $(B)/stripped/saker-agent
	@wc -c $^ | head -n 2

# ---- tests. TESTS_BUILD is where their own .bpf.o lie: tests/X/y.bpf.c -> TESTS_BUILD "/X/y.bpf.o"
TEST_DEFINES = -DTESTS_BUILD='"$(B)/tests"' -Itests

$(B)/tests/%.bpf.o: tests/%.bpf.c $(B)/bpf_flags
	@mkdir -p $(@D)
	$(call quiet,BPF,$<)$(CLANG) $(BPF_CFLAGS) $(if $(WERROR),-Werror) -MMD -MP -c $< -o $@

$(B)/tests/%.o: tests/%.c $(B)/flags
	@mkdir -p $(@D)
	$(call quiet,CC,$<)$(compile)
$(B)/tests/%.o: DEFINES = $(TEST_DEFINES)

test_objects = $(patsubst tests/%.c,$(B)/tests/%.o, \
	$(filter-out %.bpf.c,$(wildcard $(1)/*.c)) $(wildcard $(1)/*.bpf.c))

# A test may embed the .bpf.o beside it (.incbin), so those come first.
define UNIT_RULE
$(B)/tests/unit_$(1): $(call test_objects,tests/unit/$(1)) $(call libraries,$(1))
	$$(call quiet,LINK,$$@)$$(call link_test,-lcmocka $(LARGE_LIBS))
$(call bpf_first,tests/unit/$(1))
endef
bpf_first = $(filter-out %.bpf.o,$(test_objects)): $(filter %.bpf.o,$(test_objects))
link_test = $(CC) $(ALL_LDFLAGS) -o $@ $(filter-out %.bpf.o,$(filter %.o,$^)) \
	-Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(1)
UNITS = $(sort $(notdir $(patsubst %/,%,$(dir $(wildcard tests/unit/*/*.c)))))
$(foreach f,$(UNITS),$(eval $(call UNIT_RULE,$(f))))

KERNEL_TESTS = $(wildcard tests/kernel/*.c)
ifneq ($(KERNEL_TESTS),)
$(B)/tests/kernel_matrix: $(call test_objects,tests/kernel) \
		$(call libraries_of,$(wildcard tests/kernel/*.[ch]))
	$(call quiet,LINK,$@)$(call link_test,-lcmocka $(LARGE_LIBS))
$(call bpf_first,tests/kernel)
endif

.SECONDEXPANSION:
# A fuzz target runs with clang's fuzzer (FUZZ=1), or with a main() that replays its corpus.
$(B)/tests/fuzz_%: $(B)/tests/fuzz/fuzz_%.o $(if $(FUZZ),,$(B)/tests/fuzz/replay.o) \
		$$(call libraries_of,tests/fuzz/fuzz_$$*.c)
	$(call quiet,LINK,$@)$(call link_test,$(if $(FUZZ),-fsanitize=fuzzer) $(LARGE_LIBS))

# A measurement, and small loads for others to be measured against: tests/bench/bench_NAME.c.
$(B)/tests/bench_%: $(B)/tests/bench/bench_%.o $$(call libraries_of,tests/bench/bench_$$*.c)
	$(call quiet,LINK,$@)$(call link_test,$(LARGE_LIBS))

FUZZERS = $(sort $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c)))
unit: $(UNITS:%=$(B)/tests/unit_%)
fuzz: $(FUZZERS:%=$(B)/tests/fuzz_%)
bench: $(patsubst tests/bench/%.c,$(B)/tests/%,$(wildcard tests/bench/bench_*.c))
kernel: $(if $(KERNEL_TESTS),$(B)/tests/kernel_matrix)

clean:
	rm -rf build

.PHONY: all size unit fuzz bench kernel clean
.SECONDARY:
.DELETE_ON_ERROR:

-include $(wildcard $(patsubst %,$(B)/%/*.d,gadgets obj/* obj/*/* tests/* tests/*/*))
