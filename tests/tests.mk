# Tests, fuzzing, benchmarks, guests. A unit test is tests/unit/test_X.c: one cmocka program.
UNIT := $(patsubst tests/unit/%.c,$(B)/tests/%,$(wildcard tests/unit/test_*.c))

.PHONY: test unit
test: unit
unit: $(UNIT)
	@sh tests/run-unit $(UNIT)

$(B)/tests/%: tests/unit/%.c $(B)/libspoor.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -Itests/unit -o $@ $< $(B)/libspoor.a $(LDFLAGS) $(LIBS_ALL) -lcmocka

.PHONY: vm-all
# The guest tests on every kernel, and the cross build.
vm-all: static
	@for k in 5.10 6.1 6.12 7.2; do sh tests/vm/run $$k || exit 1; done
	$(MAKE) cross

# Every file through an aarch64 compiler. Nothing is linked: that needs that architecture's libraries.
.PHONY: cross
CROSS := aarch64-linux-gnu-gcc
cross: $(BPF_SKELS)
	@command -v $(CROSS) >/dev/null || { echo "try: apt-get install gcc-aarch64-linux-gnu" >&2; exit 2; }
	@for f in $(SRCS) src/main.c; do \
		$(CROSS) $(filter-out -I/usr/include/%,$(CFLAGS_ALL)) -idirafter /usr/include \
			-idirafter /usr/include/$(shell $(CC) -dumpmachine) -c -o /dev/null $$f || exit 1; \
	done; echo "cross: $(words $(SRCS)) files compiled for aarch64"

# Fuzzing: tests/fuzz/fuzz_X.c with seeds in tests/fuzz/corpus/X. FUZZ=X picks one.
FUZZ_TIME ?= 600
FUZZ_NAMES := $(if $(FUZZ),$(FUZZ),$(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c)))
FUZZ_BIN := build/fuzz
FUZZ_FLAGS := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
FUZZ_OBJS := $(SRCS:src/%.c=$(FUZZ_BIN)/obj/%.o)

.PHONY: fuzz fuzz-smoke fuzz-build
$(FUZZ_BIN)/obj/%.o: src/%.c | $(BPF_SKELS)
	@mkdir -p $(@D)
	$(CLANG) $(filter-out -O2,$(CFLAGS_ALL)) $(FUZZ_FLAGS) -MMD -MP -c -o $@ $<
$(FUZZ_BIN)/libspoor.a: $(FUZZ_OBJS)
	@rm -f $@
	ar rcs $@ $^
$(FUZZ_BIN)/fuzz_%: tests/fuzz/fuzz_%.c $(FUZZ_BIN)/libspoor.a
	$(CLANG) $(filter-out -O2,$(CFLAGS_ALL)) $(FUZZ_FLAGS) -fsanitize=fuzzer -o $@ $< \
		$(FUZZ_BIN)/libspoor.a $(LIBS_ALL)
fuzz-build: $(FUZZ_NAMES:%=$(FUZZ_BIN)/fuzz_%)
fuzz fuzz-smoke: fuzz-build
	@sh tests/fuzz/run $(FUZZ_TIME) $(FUZZ_NAMES)
-include $(FUZZ_OBJS:.o=.d)

.PHONY: test-run bench lint
test-run: spoor
	@sh tests/run/run ./spoor
lint:
	shellcheck -S warning start tests/install tests/*/run tests/vm/vm tests/vm/fetch tests/run/*.sh
	cppcheck -q --std=c11 --error-exitcode=1 --inline-suppr --suppress=nullPointerArithmetic \
		-Isrc -D_GNU_SOURCE src tests/unit
bench: spoor $(B)/bench/load $(B)/bench/gen_folded
	python3 bench/run.py
# A frame pointer in every function: what perf and spoor are compared on.
$(B)/bench/load: bench/load.c
	@mkdir -p $(@D)
	$(CC) -O1 -g -fno-omit-frame-pointer -Wall -o $@ $<
$(B)/bench/gen_folded: bench/gen_folded.c $(B)/libspoor.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -o $@ $< $(B)/libspoor.a $(LIBS_ALL) -lm
