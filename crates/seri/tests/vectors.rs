//! The bytes themselves: what C skynet packs, and what it takes.

use skynet_seri::{DecodeErrorKind, Decoder, EncodeError, Encoder, Reader, Table, Token, Value};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.chars().map(|c| c.to_digit(16).expect("a hex digit") as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn int(value: i64) -> Value {
    Value::Integer(value)
}

fn list(array: Vec<Value>) -> Value {
    Value::Table(Table { array, hash: vec![] })
}

fn nested(tables: usize, innermost: Value) -> Value {
    (0..tables).fold(innermost, |inner, _| list(vec![inner]))
}

/// Both ways: the values pack to these bytes, and the bytes unpack to these values.
#[track_caller]
fn check(values: &[Value], expected: &str) {
    let bytes = Value::pack(values).expect("values that can be packed");
    assert_eq!(hex(&bytes), expected);
    assert_eq!(Value::unpack(&bytes).expect("sound bytes"), values);
}

#[test]
fn scalars_have_the_bytes_of_c_skynet() {
    check(&[], "");
    check(&[Value::Nil], "00");
    check(&[Value::Bool(false)], "01");
    check(&[Value::Bool(true)], "09");
    check(&[Value::Float(1.0)], "42000000000000f03f");
    check(&[Value::Float(0.0)], "420000000000000000");
    check(&[Value::Pointer(0x1122_3344_5566_7788)], "038877665544332211");
    check(&[int(1), "a".into(), Value::Nil, true.into()], "0a010c610009");
}

#[test]
fn integers_take_the_width_that_c_skynet_chooses() {
    check(&[int(0)], "02");
    check(&[int(1)], "0a01");
    check(&[int(255)], "0aff");
    check(&[int(256)], "120001");
    check(&[int(65535)], "12ffff");
    check(&[int(65536)], "2200000100");
    check(&[int(-1)], "22ffffffff");
    check(&[int(0x7fff_ffff)], "22ffffff7f");
    check(&[int(0x8000_0000)], "320000008000000000");
    check(&[int(-0x8000_0000)], "2200000080");
    check(&[int(-0x8000_0001)], "32ffffff7fffffffff");
    check(&[int(i64::MAX)], "32ffffffffffffff7f");
    check(&[int(i64::MIN)], "320000000000000080");
}

#[test]
fn strings_take_the_shortest_head() {
    check(&["".into()], "04");
    check(&["a".into()], "0c61");
    check(&["a".repeat(31).into()], &format!("fc{}", "61".repeat(31)));
    check(&["a".repeat(32).into()], &format!("152000{}", "61".repeat(32)));
    check(&["a".repeat(65535).into()], &format!("15ffff{}", "61".repeat(65535)));
    check(&["a".repeat(65536).into()], &format!("2500000100{}", "61".repeat(65536)));
}

#[test]
fn tables_have_the_bytes_of_c_skynet() {
    check(&[list(vec![])], "0600");
    check(&[list(vec![int(1), int(2)])], "160a010a0200");
    check(&[Value::Table(Table { array: vec![], hash: vec![("a".into(), int(1))] })], "060c610a0100");
    check(&[Value::Table(Table { array: vec![int(1)], hash: vec![(int(3), int(3))] })], "0e0a010a030a0300");
    check(&[list(vec![int(0); 30])], &format!("f6{}00", "02".repeat(30)));
    check(&[list(vec![int(0); 31])], &format!("fe0a1f{}00", "02".repeat(31)));
    check(&[list(vec![int(0); 300])], &format!("fe122c01{}00", "02".repeat(300)));
    check(&[list(vec![Value::Nil, int(1)])], "16000a0100");
}

#[test]
fn pairs_without_a_value_are_no_pairs() {
    let table = Table { array: vec![], hash: vec![("a".into(), Value::Nil), ("b".into(), int(1))] };
    assert_eq!(hex(&Value::pack(&[table.into()]).unwrap()), "060c620a0100");
    assert_eq!(
        Value::unpack(&unhex("060c61000a010a0200")),
        Ok(vec![Value::Table(Table { array: vec![], hash: vec![(int(1), int(2))] })])
    );
}

#[test]
fn values_lie_in_at_most_32_tables_and_a_33rd_must_be_empty() {
    for value in [nested(32, int(1)), nested(32, list(vec![]))] {
        let bytes = Value::pack(std::slice::from_ref(&value)).unwrap();
        assert_eq!(Value::unpack(&bytes), Ok(vec![value]));
    }
    for value in [nested(33, int(1)), nested(33, Value::Nil), nested(33, list(vec![]))] {
        assert_eq!(Value::pack(&[value]), Err(EncodeError::TooDeep));
    }
    let bytes = [[0x0e].repeat(33), vec![0x02], [0].repeat(33)].concat();
    assert_eq!(Value::unpack(&bytes).unwrap_err().kind, DecodeErrorKind::TooDeep);
    let bytes = [[0x0e].repeat(100_000), [0].repeat(100_000)].concat();
    assert_eq!(Value::unpack(&bytes).unwrap_err().kind, DecodeErrorKind::TooDeep);
}

#[test]
fn a_cookie_without_meaning_is_ignored() {
    for cookie in 0..32_u8 {
        assert_eq!(Value::unpack(&[cookie << 3]), Ok(vec![Value::Nil]));
        assert_eq!(Value::unpack(&[cookie << 3 | 1]), Ok(vec![Value::Bool(cookie != 0)]));
        let pointer = [&[cookie << 3 | 3][..], &[1; 8]].concat();
        assert_eq!(Value::unpack(&pointer), Ok(vec![Value::Pointer(0x0101_0101_0101_0101)]));
    }
}

#[test]
fn integers_are_taken_in_any_width() {
    for bytes in ["0a05", "120500", "2205000000", "320500000000000000"] {
        assert_eq!(Value::unpack(&unhex(bytes)), Ok(vec![int(5)]));
    }
    assert_eq!(Value::unpack(&unhex("fe0a020a010a0200")), Ok(vec![list(vec![int(1), int(2)])]));
}

/// The remaining bytes are those that C skynet names for the same input.
#[test]
fn corrupt_bytes_are_named_with_what_remains() {
    let cases = [
        ("07", 0, DecodeErrorKind::UnknownHeader(0x07)),
        ("070a01020304050607080000", 11, DecodeErrorKind::UnknownHeader(0x07)),
        ("1a0a01020304050607080000", 11, DecodeErrorKind::UnknownHeader(0x1a)),
        ("050a01020304050607080000", 11, DecodeErrorKind::UnknownHeader(0x05)),
        ("320a", 1, DecodeErrorKind::Truncated),
        ("22ff", 1, DecodeErrorKind::Truncated),
        ("1500", 1, DecodeErrorKind::Truncated),
        ("152000", 0, DecodeErrorKind::Truncated),
        ("15020061", 1, DecodeErrorKind::Truncated),
        ("06", 0, DecodeErrorKind::Truncated),
        ("fe", 0, DecodeErrorKind::Truncated),
        ("fe4200000000000008400000", 10, DecodeErrorKind::BadArrayLength),
        ("fe090000", 2, DecodeErrorKind::BadArrayLength),
        ("fe0402", 1, DecodeErrorKind::BadArrayLength),
        ("fe22ffffffff00", 1, DecodeErrorKind::BadArrayLength),
        ("0642000000000000f87f0a0100", 3, DecodeErrorKind::NanKey),
        ("fe22ffffff7f00", 1, DecodeErrorKind::ArrayTooLong(0x7fff_ffff)),
        ("fe32ffffffffffffff7f00", 1, DecodeErrorKind::ArrayTooLong(i64::MAX as u64)),
        ("25ffffffff00", 1, DecodeErrorKind::Truncated),
    ];
    for (bytes, remaining, kind) in cases {
        let error = Value::unpack(&unhex(bytes)).unwrap_err();
        assert_eq!((error.remaining, error.kind), (remaining, kind), "{bytes}");
        assert!(error.to_string().starts_with(&format!("Invalid serialize stream {remaining} (")), "{error}");
    }
}

#[test]
fn error_texts_are_those_that_programs_match_on() {
    assert_eq!(EncodeError::TooDeep.to_string(), "serialize can't pack too depth table");
    assert_eq!(EncodeError::Unsupported("function").to_string(), "Unsupport type function to serialize");
}

#[test]
fn the_encoder_refuses_what_cannot_be_read_back() {
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out);
    assert_eq!(encoder.end_table(), Err(EncodeError::NoTable));
    encoder.begin_table(1).unwrap();
    assert!(matches!(encoder.end_table(), Err(EncodeError::Unfinished(_))));
    encoder.nil().unwrap();
    assert_eq!(encoder.nil(), Err(EncodeError::InvalidKey("nil")));
    assert_eq!(encoder.float(f64::NAN), Err(EncodeError::InvalidKey("NaN")));
    encoder.integer(7).unwrap();
    assert!(matches!(encoder.end_table(), Err(EncodeError::Unfinished(_))));
    encoder.nil().unwrap();
    assert!(matches!(encoder.finish(), Err(EncodeError::Unfinished(_))));
}

#[test]
fn encoders_append_and_skipping_leaves_a_table_behind() {
    let mut out = vec![0x0a, 0x07];
    let mut encoder = Encoder::new(&mut out);
    list(vec![list(vec![int(1)]), "x".into()]).encode(&mut encoder).unwrap();
    encoder.bool(true).unwrap();
    encoder.finish().unwrap();

    let mut decoder = Decoder::new(&out);
    assert_eq!(decoder.next_token(), Ok(Some(Token::Integer(7))));
    assert_eq!(decoder.next_token(), Ok(Some(Token::Table(2))));
    decoder.skip_to(0).unwrap();
    assert_eq!(decoder.next_token(), Ok(Some(Token::Bool(true))));
    assert_eq!(decoder.next_token(), Ok(None));
    assert_eq!(decoder.next_token(), Ok(None));
}

#[test]
fn a_reader_gives_the_end_of_a_table_as_nil() {
    let mut reader = Reader::new(b"\x06\x0ca\x0a\x01\x00");
    let mut tokens = Vec::new();
    while let Some(token) = reader.next_token().unwrap() {
        tokens.push(token);
    }
    assert_eq!(tokens, [Token::Table(0), Token::Str(b"a"), Token::Integer(1), Token::Nil]);
}

#[test]
fn the_last_of_equal_keys_holds() {
    let table = Table { array: vec![], hash: vec![("a".into(), int(1)), ("a".into(), int(2))] };
    assert_eq!(table.field("a"), Some(&int(2)));
    assert_eq!(table.field("b"), None);
}
