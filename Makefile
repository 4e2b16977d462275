# `make` lists the targets. Options: CHAPTER=01  JOBS=2  GPU=1  PYTHON=python3.12  COURSE_PROFILE=desk  COURSE_DATASET=name
.DEFAULT_GOAL := help
.PHONY: help ready run test lab notebooks slides student site kit grade known-set data results bench lock clean

VENV := $(if $(filter-out 0,$(GPU)),.venv-gpu,.venv)
BIN := $(VENV)/bin
PY := $(BIN)/python
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3; do \
	$$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
	&& echo $$python && break; done)

# Quiet TensorFlow; the environment's own kernel rather than one that a user has installed.
export TF_CPP_MIN_LOG_LEVEL := 2
# oneDNN's convolutions: TensorFlow leaves them off on some CPUs, where training then takes 1.6 times as long.
export TF_ENABLE_ONEDNN_OPTS := 1
export JUPYTER_PREFER_ENV_PATH := 1
export PYDEVD_DISABLE_FILE_VALIDATION := 1

# Tests always see the embedded phantoms at the quick profile.
AS_STORED := COURSE_PROFILE=quick COURSE_DATASET=phantoms COURSE_SEED=0 COURSE_QUIET=1
ONE_THREAD := TF_NUM_INTRAOP_THREADS=1 TF_NUM_INTEROP_THREADS=1 OMP_NUM_THREADS=1

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

ready:
	@test -n "$(PYTHON)" || { echo "No Python 3.11, 3.12 or 3.13 found: install one, or say make PYTHON=/path/to/python3.11 ..." >&2; exit 1; }
	@$(PYTHON) lib/lookinside/course/build/bootstrap.py $(if $(filter .venv-gpu,$(VENV)),--gpu)

run: ready ## execute the chapters (CHAPTER=01 for one; JOBS=2 at once; GPU=1), write build/html, print the closing table
	@$(PY) -m lookinside.course.build.run $(CHAPTER) $(if $(JOBS),--jobs "$(JOBS)")

test: ready ## lint, unit tests, every notebook under nbval, student build, slides
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(AS_STORED) $(ONE_THREAD) $(PY) -m pytest -q -n 2 -m "not chapters" tests
	$(AS_STORED) $(PY) -m pytest -q -n 2 --dist loadfile --nbval-lax --nbval-current-env --nbval-cell-timeout=300 chapters
	@$(AS_STORED) $(PY) -m lookinside.course.build.student
	@$(AS_STORED) $(PY) -m lookinside.course.build.slides
	$(AS_STORED) $(PY) -m pytest -q -m chapters tests

lab: ready ## open JupyterLab on the chapters
	$(BIN)/jupyter lab --ServerApp.root_dir=. --LabApp.default_url=/lab/tree/chapters

notebooks: ready ## write and execute chapters/*.ipynb from their .py sources (CHAPTER=01 for one)
	@$(PY) -m lookinside.course.build.notebooks $(CHAPTER)

slides: ready ## one offline HTML deck a chapter in build/slides (CUT=45 for 45 minutes; PDF=1 prints a slide a page)
	@$(PY) -m lookinside.course.build.slides $(CHAPTER) $(if $(CUT),--cut $(CUT)) $(if $(filter-out 0,$(PDF)),--pdf)

student: ready ## notebooks without solutions in build/student
	@$(PY) -m lookinside.course.build.student $(CHAPTER)

site: ready ## one offline folder, build/site: start page, chapters, decks, downloads, results, library, search
	@$(PY) -m lookinside.course.site.build_site

kit: ready ## the instructor's lecture plans, decks, handouts, answers and syllabus in build/kit
	@$(PY) -m lookinside.course.kit.kit $(CHAPTER)

grade: ready ## a table of students' notebooks, CSV and HTML, in build/grades (FOLDER=submissions MINUTES=10 GIGABYTES=4)
	@$(PY) -m lookinside.course.grading.grade "$(FOLDER)" $(if $(MINUTES),--minutes "$(MINUTES)") $(if $(GIGABYTES),--gigabytes "$(GIGABYTES)")

SETS := $(sort $(basename $(notdir $(wildcard data_scripts/*.py))))
known-set:
	@$(if $(filter $(or $(SET),mednist),$(SETS)),:,echo "There is no set $(SET): say make data SET= and one of $(SETS)." >&2; exit 1)

data: known-set ready ## fetch and prepare a public set (SET=mednist, unifesp, organs, medmnist, ct_regions, totalsegmentator, fetus, hygd, acrima, chase_db1 or lag; FROM=folder-or-archive SIZE=64 VIEW=axial SLICES=12)
	@$(PY) data_scripts/$(or $(SET),mednist).py $(if $(FROM),--from "$(FROM)") $(if $(SIZE),--size "$(SIZE)") $(if $(VIEW),--view "$(VIEW)") $(if $(SLICES),--slices "$(SLICES)")

results: ready ## measure the recorded tables (hours; CHAPTERS=01 DATASETS=phantoms SEEDS=0,1,2 JOBS=1; LIST=1, TRIAL=3, SCHEDULER=local:2, MERGE=folder)
	@$(PY) -m lookinside.course.measuring.measure --chapters "$(or $(CHAPTERS),$(CHAPTER))" \
		$(if $(DATASETS),--datasets "$(DATASETS)") $(if $(SEEDS),--seeds "$(SEEDS)") $(if $(JOBS),--jobs "$(JOBS)") \
		$(if $(filter-out 0,$(LIST)),--list) $(if $(TRIAL),--trial "$(TRIAL)") $(if $(SCHEDULER),--scheduler "$(SCHEDULER)") \
		$(if $(MERGE),--merge $(MERGE))

bench: ready ## time what the library promises to do fast
	@$(PY) tests/bench/run.py

lock: ## renew requirements.lock from pyproject.toml (needs uv)
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		--extra cpu --extra course --extra cluster --output-file requirements.lock

clean: ## remove build/ and caches (delete .venv by hand for a fresh environment)
	rm -rf build .pytest_cache .ruff_cache
	find lib tests data_scripts chapters -name __pycache__ -prune -exec rm -rf {} +
