# with: bash
# make -j: targets in parallel, order, a rule that fails, functions, includes, recursive makes.
mkdir src; for n in a b c d; do echo "$n" > "src/$n.in"; done
cat > Makefile << 'END'
SOURCES := $(wildcard src/*.in)
TARGETS := $(patsubst src/%.in,out/%.txt,$(SOURCES))
all: total nested
total: $(TARGETS)
	@cat $(sort $^) > $@; echo "$(words $^) parts, newest first: $(firstword $(sort $?))"
out/%.txt: src/%.in | out
	@sleep 0.02; tr a-z A-Z < $< > $@
out:
	@mkdir $@
nested: total
	@$(MAKE) -s -C sub MAKEFLAGS= NAME=inner
define shout
$(shell echo $(1) | tr a-z A-Z)
endef
show: ; @echo $(call shout,word) $(foreach x,1 2 3,$(x)$(x)) $(if $(filter b,a b),yes,no) $(origin SOURCES)
broken: ; @false
.PHONY: all nested show broken
END
mkdir sub; printf 'all:\n\t@echo "made %s in %s"\n' '$(NAME)' '$(notdir $(CURDIR))' > sub/Makefile
make -j4; echo "status $?"
make -j4 total; make -q total; echo "up to date $?"
sleep 0.02; echo changed > src/b.in; make -j2 total; cat total; make -q total; echo "up to date $?"
make show; make broken 2>&1; echo "status $?"; make -k broken show 2> /dev/null; echo "status $?"
make -n -B total | wc -l; make nothing 2>&1
