//! What the binary offers to C modules: the whole C API of Lua, and one `malloc`.

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

#[test]
#[cfg(feature = "mimalloc")]
fn malloc_and_its_kin_are_mimalloc() {
    let exported = exported();
    for name in ["malloc", "calloc", "realloc", "free"] {
        assert!(exported.contains_key(name), "{name} is that of the C library");
    }
    assert_eq!(exported.get("malloc"), exported.get("mi_malloc"));
}
