# 审管通: `make run` starts it, `make test` tests it; everything else is for those who change it.
SHELL := /bin/sh
.DEFAULT_GOAL := help

# The first interpreter that is new enough; `make run PYTHON=/path/to/python` overrides.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3 python; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$p"; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
PYTEST_ARGS ?=
BENCH_ARGS ?=

.PHONY: help run test test-adapters county check bench fix clean lock

help: ## 显示这些说明
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST))

run: $(STAMP) ## 安装并启动全部部件和程序，Ctrl-C 全部停止
	@exec $(BIN)/shenguan up

test: $(STAMP) ## 在真实部件上运行全部测试（含浏览器测试）
	@$(BIN)/python -m tests.browser_install
	@$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder tests $(PYTEST_ARGS)

test-adapters: $(STAMP) ## 适配器对真实的 MariaDB 和 SFTP 服务器的测试（会安装 Debian 软件包）
	@sh tests/adapters/packages.sh
	@$(BIN)/python -m tests.browser_install
	@$(BIN)/python -m pytest -n 2 --dist loadfile tests/adapters $(PYTEST_ARGS)

county: $(STAMP) ## 一个县的一整年：19 个部门、406 个事项、20,000 件决定（十到二十分钟）
	@SHENGUAN_COUNTY_DECISIONS=20000 $(BIN)/python -m pytest -n 0 -s tests/county $(PYTEST_ARGS)

check: $(STAMP) ## 代码规范、类型、导入方向、迁移与模型一致
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m tests.migrations_match

bench: $(STAMP) ## 运行 tests/bench 下的全部基准
	@$(BIN)/python -m tests.bench $(BENCH_ARGS)

fix: $(STAMP) ## 自动修正格式和可自动修正的规范问题
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

clean: ## 删除虚拟环境和缓存；数据目录 .shenguan 不动
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

lock: $(STAMP) ## 按 pyproject.toml 重新生成 requirements.lock（带校验值）
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --target $(VENV)/uv uv==0.13.9
	@$(VENV)/uv/bin/uv pip compile pyproject.toml --quiet --all-extras --group dev --universal \
		--python-version 3.11 --generate-hashes --no-header --no-annotate --output-file requirements.lock

$(STAMP): requirements.lock pyproject.toml
	@if [ -z "$(PYTHON)" ]; then \
		echo "没有找到 Python 3.11 或更新的版本：请先安装，或用 make PYTHON=/路径/python3.11 指定。" >&2; exit 1; fi
	@if ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
		echo "正在建立虚拟环境 $(VENV) ……"; rm -rf $(VENV); \
		$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "建立虚拟环境失败：Debian/Ubuntu 上请先安装 python3-venv（apt-get install python3-venv）。" >&2; exit 1; }; fi
	@echo "正在按 requirements.lock 安装依赖（首次约需 1 至 3 分钟）……"
	@$(BIN)/python -m pip install --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e .
	@touch $@
