//! The README shows code that is compiled or run elsewhere, so that it cannot grow old unseen.

const README: &str = include_str!("../../../README.md");

#[track_caller]
fn shows(fence: &str, code: &str) {
    let block = format!("```{fence}\n{code}```\n");
    assert!(README.contains(&block), "the README shows another text than:\n{code}");
}

#[test]
fn the_rust_service_is_the_example() {
    shows("rust", include_str!("../../../docs/examples/rust_service.rs"));
}

#[test]
fn the_lua_service_is_the_example() {
    shows("lua", include_str!("../../../docs/examples/counter.lua"));
}
