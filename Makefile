# Every target is a thin wrapper over an npm script of the same name, so a machine without make has the same.
SHELL := /bin/sh
.DEFAULT_GOAL := help
RUN := npm run --silent

# npm writes this file at the end of an installation, so it is the stamp of one.
STAMP := node_modules/.package-lock.json

# Set on the command line, as in `make demo EVENTS=500 RATE=max UI=off`; what is not set is not passed.
quoted = '$(subst ','\'',$(1))'
flag = $(if $($(1)),$(2) $(call quoted,$($(1))))
DATA_FLAG = $(call flag,DATA_DIR,--data-dir)
UI_FLAG = $(call flag,UI,--ui-port)
PRODUCER_FLAGS = $(call flag,EVENTS,--events) $(call flag,RATE,--rate) $(call flag,SEED,--seed) \
	$(call flag,START_TIME,--start-time) $(call flag,TIME_SCALE,--time-scale) $(DATA_FLAG)

.PHONY: help setup-env install quickstart doctor demo run-producer run-consumer start-kafka stop-kafka \
	test format lint typecheck check bench bench-peers build clean

help: ## Show the targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo
	@echo '  make demo EVENTS=500 RATE=max UI=off      also SEED, START_TIME, TIME_SCALE, DATA_DIR'

setup-env: ## Install what Tallystream needs, anew
	@$(RUN) setup-env >&2

install: $(STAMP) ## Install what Tallystream needs, where that is not done yet

$(STAMP): package-lock.json
	@command -v npm >/dev/null 2>&1 || { echo 'npm is not on the PATH: install Node.js 18 or newer, which brings it.' >&2; exit 3; }
	@echo 'Installing what Tallystream needs (once) ...' >&2
	@$(RUN) setup-env >&2

quickstart: $(STAMP) ## Check this machine: what is there, what is missing, how to fix it
	@$(RUN) quickstart -- $(DATA_FLAG)

doctor: quickstart

demo: $(STAMP) ## Make purchase events and show their totals, until Ctrl-C
	@$(RUN) demo -- $(PRODUCER_FLAGS) $(UI_FLAG)

run-producer: $(STAMP) ## Write purchase events to the log
	@$(RUN) run-producer -- $(PRODUCER_FLAGS)

run-consumer: $(STAMP) ## Run the query on the log
	@$(RUN) run-consumer -- $(DATA_FLAG) $(UI_FLAG)

start-kafka: $(STAMP) ## Start a local Kafka and make its topics (KAFKA_PORT, KAFKA_DIR)
	@$(RUN) start-kafka

stop-kafka: $(STAMP) ## Stop it; its topics stay
	@$(RUN) stop-kafka

test: $(STAMP) ## Run the tests
	@$(RUN) test

format: $(STAMP) ## Format the code
	@$(RUN) format

lint: $(STAMP) ## Lint the code, import boundaries included
	@$(RUN) lint

typecheck: $(STAMP) ## Check the types
	@$(RUN) typecheck

check: $(STAMP) ## All static checks: format, lint, types, dead code
	@$(RUN) check

bench: $(STAMP) ## Measure
	@$(RUN) bench

bench-peers: $(STAMP) ## Measure the drain from Kafka beside PySpark, Kafka Streams and KafkaJS
	@$(RUN) bench-peers

build: $(STAMP) ## Build what is published into dist/
	@$(RUN) build

clean: ## Remove what can be made again; data stays
	@$(RUN) clean
