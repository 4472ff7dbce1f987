# Tests, fuzzing, benchmarks, guests. A unit test is tests/unit/test_X.c: one cmocka program.
UNIT := $(patsubst tests/unit/%.c,$(B)/tests/%,$(wildcard tests/unit/test_*.c))

.PHONY: test unit
test: unit
unit: $(UNIT)
	@sh tests/run-unit $(UNIT)

$(B)/tests/%: tests/unit/%.c $(B)/libspoor.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -Itests/unit -o $@ $< $(B)/libspoor.a $(LDFLAGS) $(LIBS_ALL) -lcmocka
