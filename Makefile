# spoor: GNU make, wildcards, pkg-config. Adding a .c file needs no change here.
#
#   make             the binary, at ./spoor
#   make SAN=1       with address and undefined-behaviour sanitizers, at build/san/spoor
#   make DEBUG=1     -O0, at build/debug/spoor
#   make static      one self-contained binary, at build/static/spoor
#   make test        unit and golden tests
#   make man         man/*.1, from the option tables
#   make install DESTDIR= PREFIX=/usr/local
#   make format      clang-format over everything
# More targets (fuzz, bench, vm, vm-all, lint) are in tests/tests.mk.

# make vm KERNEL=6.1 -- CMD ARGS: what follows -- is a command for a guest, whatever its words look like. They are
# taken from make's own command line: among the goals ./x would be x, A=b a variable, clean a target.
KERNEL ?= 6.1
ifeq (vm,$(firstword $(MAKECMDGOALS)))
.PHONY: vm
MAKEFLAGS += --silent
vm:
	@sed -z '1,/^--$$/d' /proc/$$PPID/cmdline | xargs -0 sh tests/vm/vm -k $(KERNEL) --
.DEFAULT:
	@:
else

CC ?= cc
CLANG ?= clang
BPFTOOL ?= $(or $(shell command -v bpftool 2>/dev/null),/usr/sbin/bpftool)
PKG_CONFIG ?= pkg-config
PREFIX ?= /usr/local
VERSION := 0.1.0

PKGS := libbpf libelf zlib libzstd liblzma
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings \
	-Wpointer-arith -Wformat=2 -Wno-unused-parameter -Wno-missing-field-initializers
ifdef WERROR
WARN += -Werror
endif
OPT := -O2 -g
MODE := default
ifdef SAN
MODE := san
OPT := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -Wno-format-truncation -fno-sanitize-recover=undefined
endif
ifdef DEBUG
MODE := debug
OPT := -O0 -g3
endif
ifdef STATIC
MODE := static
OPT := -O2 -g
LDSTATIC := -static
PKG_STATIC := --static
endif
ifneq ($(findstring clang,$(CC)),)
MODE := $(MODE)-clang
endif
B := build/$(MODE)

CFLAGS_ALL := -std=gnu11 $(OPT) $(WARN) -iquote src -I$(B)/gen -D_GNU_SOURCE \
	-DSPOOR_VERSION='"$(VERSION)"' -fno-strict-aliasing $(shell $(PKG_CONFIG) --cflags $(PKGS)) $(CFLAGS)
LIBS_ALL := $(LDSTATIC) $(shell $(PKG_CONFIG) $(PKG_STATIC) --libs $(PKGS)) -liberty -lpthread

SRCS := $(filter-out %.bpf.c,$(wildcard src/*/*.c))
OBJS := $(SRCS:src/%.c=$(B)/obj/%.o)
BPF_SRCS := $(wildcard src/*/*.bpf.c)
BPF_SKELS := $(BPF_SRCS:src/bpf/%.bpf.c=$(B)/gen/%.skel.h)
BPF_ARCH := $(shell uname -m | sed 's/x86_64/x86/;s/aarch64/arm64/')

.PHONY: all static man install clean format
all: spoor

ifeq ($(B),build/default)
spoor: $(B)/spoor
	@ln -sf $(B)/spoor $@
else
.PHONY: spoor
spoor: $(B)/spoor
	@echo "built $(B)/spoor"
endif

$(B)/spoor: $(B)/obj/main.o $(B)/libspoor.a
	$(CC) $(OPT) -o $@ $^ $(LDFLAGS) $(LIBS_ALL)

$(B)/libspoor.a: $(OBJS)
	@rm -f $@
	ar rcs $@ $^

$(B)/obj/%.o: src/%.c | $(BPF_SKELS)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

# Text that goes into the binary (scripts, pages) is pulled in with EMBED(); name what depends on it.
$(B)/obj/view/flame_svg.o: $(wildcard src/view/*.js src/view/*.css)

.SECONDARY: $(BPF_SKELS) $(BPF_SRCS:src/%.bpf.c=$(B)/%.bpf.o)

$(B)/bpf/%.bpf.o: src/bpf/%.bpf.c $(wildcard src/bpf/*.bpf.h)
	@mkdir -p $(@D)
	$(CLANG) -target bpf -mcpu=v2 -O2 -g -Wall -Werror -D__TARGET_ARCH_$(BPF_ARCH) -iquote src \
		-I/usr/include/$(shell uname -m)-linux-gnu -MMD -MP -c -o $@ $<
	llvm-strip -g $@

$(B)/gen/%.skel.h: $(B)/bpf/%.bpf.o
	@mkdir -p $(@D)
	$(BPFTOOL) gen skeleton $< name $*_bpf > $@.tmp && mv $@.tmp $@

static:
	$(MAKE) STATIC=1 spoor
	strip -o build/static/spoor.stripped build/static/spoor && mv build/static/spoor.stripped build/static/spoor

# The option tables are the source of the man pages; tests/run/test_man.sh says when these are old.
man: spoor
	@mkdir -p man && rm -f man/*.1
	$(B)/spoor help --man >man/spoor.1
	@for c in $$($(B)/spoor help --list); do \
		$(B)/spoor help --man $$c >man/spoor-$$c.1 || exit 1; done

SHARE = $(DESTDIR)$(PREFIX)/share
install: spoor
	install -d $(DESTDIR)$(PREFIX)/bin $(SHARE)/man/man1 $(SHARE)/doc/spoor \
		$(SHARE)/bash-completion/completions $(SHARE)/zsh/site-functions \
		$(SHARE)/fish/vendor_completions.d
	install -m 755 $(B)/spoor $(DESTDIR)$(PREFIX)/bin/spoor
	install -m 644 man/*.1 $(SHARE)/man/man1/
	install -m 644 $(wildcard LICENSE NOTICE* LICENSES/*) $(SHARE)/doc/spoor/
	$(B)/spoor help --completion bash >$(SHARE)/bash-completion/completions/spoor
	$(B)/spoor help --completion zsh >$(SHARE)/zsh/site-functions/_spoor
	$(B)/spoor help --completion fish >$(SHARE)/fish/vendor_completions.d/spoor.fish

clean:
	rm -rf build spoor

format:
	clang-format -i $(filter-out %.skel.h,$(wildcard src/*.c src/*/*.c src/*/*.h tests/*/*.c tests/*/*.h bench/*.c))

-include tests/tests.mk
-include $(OBJS:.o=.d) $(B)/obj/main.d $(BPF_SRCS:src/bpf/%.bpf.c=$(B)/bpf/%.bpf.d)
endif
