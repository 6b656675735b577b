//! What holds for all values and all bytes.

use proptest::collection::vec;
use proptest::prelude::*;
use skynet_seri::{Decoder, Encoder, Table, Token, Value};

/// Keys and elements; floats are never NaN, so that values can be compared.
fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Integer),
        any::<i16>().prop_map(|n| Value::Integer(n.into())),
        (-0x1_0001_0000..0x1_0001_0000_i64).prop_map(Value::Integer),
        any::<f64>().prop_filter("NaN", |n| !n.is_nan()).prop_map(Value::Float),
        any::<u64>().prop_map(Value::Pointer),
        vec(any::<u8>(), 0..70).prop_map(Value::Str),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(6, 200, 40, |inner| {
        let element = prop_oneof![4 => inner.clone(), 1 => Just(Value::Nil)];
        (vec(element, 0..40), vec((inner.clone(), inner), 0..6))
            .prop_map(|(array, hash)| Value::Table(Table { array, hash }))
    })
}

fn arguments() -> impl Strategy<Value = Vec<Value>> {
    vec(prop_oneof![9 => value(), 1 => Just(Value::Nil)], 0..5)
}

/// Copies token by token, as a decoder and an encoder see the same bytes.
fn recode(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out);
    let mut decoder = Decoder::new(bytes);
    while let Some(token) = decoder.next_token().expect("sound bytes") {
        match token {
            Token::Nil => encoder.nil(),
            Token::Bool(value) => encoder.bool(value),
            Token::Integer(value) => encoder.integer(value),
            Token::Float(value) => encoder.float(value),
            Token::Pointer(value) => encoder.pointer(value),
            Token::Str(value) => encoder.string(value),
            Token::Table(array) => encoder.begin_table(array),
            Token::End => encoder.end_table(),
        }
        .expect("what was decoded can be encoded");
        assert_eq!((encoder.depth(), encoder.place()), (decoder.depth(), decoder.place()));
    }
    encoder.finish().expect("no table is open");
    out
}

/// Reads all tokens and gives their number.
fn drain(bytes: &[u8]) -> usize {
    let mut decoder = Decoder::new(bytes);
    let mut tokens = 0;
    while let Ok(Some(token)) = decoder.next_token() {
        tokens += 1;
        if let Token::Table(array) = token {
            assert!(array <= decoder.remaining());
        }
    }
    tokens
}

/// Bytes that are wrong in likely ways: headers that mean something, small fields, runs of one byte.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let header = prop::sample::select(vec![
        0x00, 0x01, 0x02, 0x03, 0x05, 0x06, 0x07, 0x0a, 0x0e, 0x12, 0x15, 0x22, 0x25, 0x32, 0x42, 0xfe, 0xff,
        0x7f,
    ]);
    prop_oneof![vec(any::<u8>(), 0..200), vec(header, 0..400)]
}

proptest! {
    #[test]
    fn values_come_back_as_they_were(values in arguments()) {
        let bytes = Value::pack(&values).expect("values within the limits");
        prop_assert_eq!(&Value::unpack(&bytes).expect("sound bytes"), &values);
        prop_assert_eq!(recode(&bytes), bytes);
    }

    #[test]
    fn a_value_cut_anywhere_is_an_error(value in value()) {
        let bytes = Value::pack(&[value]).expect("a value within the limits");
        for end in 1..bytes.len() {
            prop_assert!(Value::unpack(&bytes[..end]).is_err(), "cut at {} of {}", end, bytes.len());
        }
    }

    #[test]
    fn any_bytes_are_values_or_an_error(bytes in hostile()) {
        prop_assert!(drain(&bytes) <= bytes.len());
        if let Ok(values) = Value::unpack(&bytes) {
            let packed = Value::pack(&values).expect("what was unpacked can be packed");
            prop_assert_eq!(Value::unpack(&packed).map(|v| format!("{v:?}")), Ok(format!("{values:?}")));
        }
    }

    #[test]
    fn sound_bytes_with_one_wrong_are_values_or_an_error(
        values in arguments(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = Value::pack(&values).expect("values within the limits");
        if !bytes.is_empty() {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        drain(&bytes);
        let _ = Value::unpack(&bytes);
    }
}
