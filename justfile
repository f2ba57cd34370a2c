# One recipe per CI job, so that both run the same line.

# Format, lints, house rules.
check:
    cargo fmt --all --check
    cargo clippy --locked --all-targets -- -D warnings
    cargo test --locked --test tidy

# Everything, as CI runs it.
test *ARGS:
    scripts/test {{ARGS}}

# Rewrites the golden files; read the diff.
golden:
    UPDATE_GOLDEN=1 cargo test --locked --test main

# Criterion benches; one stage: just bench sign.
bench *ARGS:
    cargo bench --locked {{ARGS}}

# An end-to-end scenario against a release build.
perf SCENARIO:
    cargo build --locked --release
    cargo run --locked --release --manifest-path perf/Cargo.toml -- run perf/scenarios/{{SCENARIO}}.toml

# All figures, on tables of 1k to 10M files; with --rival beside another server.
compare *ARGS:
    perf/compare {{ARGS}}

# Licences, advisories, duplicates.
deny:
    cargo deny check

# A minute of libFuzzer on one target; the names stand in fuzz/fuzz_targets.
fuzz TARGET *ARGS="-max_total_time=60":
    mkdir -p fuzz/corpus/{{TARGET}}
    RUSTC_BOOTSTRAP=1 cargo fuzz run {{TARGET}} fuzz/corpus/{{TARGET}} fuzz/seeds/{{TARGET}} -- {{ARGS}}
