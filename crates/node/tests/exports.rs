//! What the binary offers to C modules: the whole C API of Lua, that of skynet, and one `malloc`.

use std::collections::HashMap;

use object::{Object, ObjectSymbol};

/// The dynamic symbols that the binary defines, with their addresses.
fn exported() -> HashMap<String, u64> {
    let binary = std::fs::read(env!("CARGO_BIN_EXE_skynet")).unwrap();
    let file = object::File::parse(binary.as_slice()).unwrap();
    let defined = file.dynamic_symbols().filter(|symbol| symbol.is_definition());
    defined.map(|symbol| (symbol.name().unwrap().to_owned(), symbol.address())).collect()
}

#[test]
fn every_function_of_the_lua_headers_is_exported() {
    let exported = exported();
    let missing: Vec<_> = include_str!("data/lua_api_symbols.txt")
        .lines()
        .filter(|symbol| !exported.contains_key(*symbol))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// The names of functions in a header: what is before the bracket of a line that begins a declaration.
fn declared(header: &str) -> Vec<&str> {
    let inside = header.split_once("extern \"C\" {").unwrap().1;
    let lines = inside.lines().filter(|line| line.starts_with(|first: char| first.is_ascii_lowercase()));
    // Those that are defined right there need no export.
    let calls = lines.filter(|line| !line.starts_with("typedef") && !line.ends_with('{'));
    let names = calls.filter_map(|line| line.split_once('(')?.0.rsplit([' ', '*']).next());
    names.collect()
}

#[test]
fn every_function_of_the_skynet_headers_is_exported() {
    let exported = exported();
    let headers = [include_str!("../include/skynet.h"), include_str!("../include/skynet_socket.h")];
    let names: Vec<_> = headers
        .into_iter()
        .flat_map(declared)
        .filter(|name| name.contains("sky") || name.contains("socket_"))
        .collect();
    assert!(
        names.len() >= 34 && names.contains(&"skynet_error") && names.contains(&"socket_info_release"),
        "{names:?}"
    );
    let missing: Vec<_> = names.into_iter().filter(|name| !exported.contains_key(*name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
#[cfg(feature = "mimalloc")]
fn malloc_and_its_kin_are_mimalloc() {
    let exported = exported();
    for name in ["malloc", "calloc", "realloc", "free"] {
        assert!(exported.contains_key(name), "{name} is that of the C library");
    }
    assert_eq!(exported.get("malloc"), exported.get("mi_malloc"));
}
