# SELDA: the shared care record of South East London. `make` alone prints the targets.
SHELL := /bin/bash
GO ?= go
export CGO_ENABLED ?= 0

.PHONY: help build run test check bench clean

help: ## print the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

build: ## build bin/selda
	$(GO) build -o bin/selda ./cmd/selda

check: ## format, vet, unit tests and the import test: before each commit
	@bad=$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go')); if [ -n "$$bad" ]; then echo "not formatted (gofmt -w): $$bad"; exit 1; fi
	$(GO) vet ./...
	$(GO) test -short ./...

test: ## every test
	$(GO) test ./...

clean: ## remove what was built
	rm -rf bin node_modules
