//! Any bytes are values or an error, and what is unpacked packs to bytes that unpack the same.
#![no_main]

use std::collections::HashMap;

use libfuzzer_sys::fuzz_target;
use serde::{Deserialize, Serialize};
use skynet_seri::{Value, from_args, from_slice, to_vec};

#[derive(Serialize, Deserialize)]
enum Any {
    Unit,
    Number(f64),
    List(Vec<Option<Any>>),
    Pair(i32, Option<String>),
    Map { numbers: HashMap<i64, Any>, rest: Option<Value> },
}

fuzz_target!(|bytes: &[u8]| {
    if let Ok(values) = Value::unpack(bytes) {
        let packed = Value::pack(&values).expect("what was unpacked can be packed");
        let again = Value::unpack(&packed).expect("what was packed can be unpacked");
        // By their text, since NaN is not equal to itself.
        assert_eq!(format!("{again:?}"), format!("{values:?}"));
    }
    let _ = from_args::<(Option<Any>, Option<Value>, Vec<Option<(u8, i64)>>)>(bytes);
    if let Ok(value) = from_slice::<Any>(bytes) {
        let packed = to_vec(&value).expect("what was unpacked can be packed");
        assert!(from_slice::<Any>(&packed).is_ok());
    }
});
