# The front door. Every target works as the first command in a fresh clone: tools/prepare.sh installs what is missing.
BUILD := build
JOBS  ?= $(shell nproc)

.PHONY: all programs prepare configure demo check unit e2e asan lint docs bench bench-dns bench-pop3 faults fuzz install clean

all: configure
	@ninja -C $(BUILD) -j$(JOBS)

prepare:
	@tools/prepare.sh

configure: prepare
	@test -f $(BUILD)/build.ninja || cmake --preset release

programs: configure
	@ninja -C $(BUILD) -j$(JOBS) programs

demo: programs
	@$(BUILD)/bin/umaya demo

unit: all
	@ctest --test-dir $(BUILD) --output-on-failure -j$(JOBS)

e2e: all
	@tests/run_e2e.sh $(BUILD)

check: all
	@tools/check_all.sh $(BUILD)

asan: prepare
	@cmake --preset asan && ninja -C build-asan -j$(JOBS) && tests/sanitizer_reports.sh build-asan clear
	@ctest --test-dir build-asan --output-on-failure -j$(JOBS) && tests/sanitizer_reports.sh build-asan
	@tests/run_e2e.sh build-asan

lint: all
	@tools/lint.sh $(BUILD)

docs: all
	@tools/docs.sh $(BUILD)

bench: programs
	@tools/prepare.sh peers && bench/run.py --build $(BUILD)

bench-pop3: programs
	@tools/prepare.sh peers && bench/pop3.py --build $(BUILD)

bench-dns: programs
	@bench/dns.py --build $(BUILD) && bench/dns_cached.py --build $(BUILD)

faults: programs
	@tests/faults/ledger.py --build $(BUILD)
	@tests/faults/zone_ledger.py --build $(BUILD)

fuzz:
	@tools/prepare.sh fuzz && tools/fuzz.sh

install: programs
	@tools/install.sh $(BUILD) "$(DESTDIR)" "$(PREFIX)"

clean:
	rm -rf build build-asan build-fuzz
