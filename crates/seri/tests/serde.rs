//! The serde mapping, in both directions and against what Lua itself packs.
#![cfg(feature = "serde")]

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize, Serializer};
use skynet_seri::{
    DecodeErrorKind, Error, Pointer, Table, Value, from_args, from_slice, to_args, to_vec, to_writer,
};

fn int(value: i64) -> Value {
    Value::Integer(value)
}

fn list(array: Vec<Value>) -> Value {
    Value::Table(Table { array, hash: vec![] })
}

fn table(array: Vec<Value>, hash: Vec<(Value, Value)>) -> Value {
    Value::Table(Table { array, hash })
}

fn pack(value: Value) -> Vec<u8> {
    Value::pack(&[value]).expect("a value that can be packed")
}

/// The Rust value packs to the Lua value and comes back from it.
#[track_caller]
fn check<T: Serialize + DeserializeOwned + PartialEq + Debug>(rust: T, lua: Value) {
    let bytes = to_vec(&rust).expect("a value that can be packed");
    assert_eq!(Value::unpack(&bytes).expect("sound bytes"), [lua]);
    assert_eq!(from_slice::<T>(&bytes).expect("a value of this type"), rust);
}

#[track_caller]
fn refused<T: DeserializeOwned + Debug>(lua: Value, text: &str) {
    let error = from_slice::<T>(&pack(lua)).expect_err("a value of another type");
    assert!(error.to_string().contains(text), "{error}");
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Point {
    x: f64,
    y: Option<i32>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Unit;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Wrapped(u16);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Two(i32, String);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Empty,
    Circle(f64),
    Named(Option<String>),
    Line(i32, i32),
    Box { w: i32, h: i32 },
    Inner(Box<Shape>),
}

#[test]
fn scalars_map_to_their_lua_types() {
    check((), Value::Nil);
    check(Unit, Value::Nil);
    check(None::<i32>, Value::Nil);
    check(Some(5_u8), int(5));
    check(Wrapped(7), int(7));
    check(true, true.into());
    check(i64::MIN, int(i64::MIN));
    check(u64::MAX >> 1, int(i64::MAX));
    check(12_i128, int(12));
    check(1.5_f32, Value::Float(1.5));
    check(2.0_f64, Value::Float(2.0));
    check('ß', "ß".into());
    check("text".to_owned(), "text".into());
    check(Pointer(0xdead_beef), Value::Pointer(0xdead_beef));
}

#[test]
fn compounds_map_to_tables() {
    check(vec![1, 2, 3], list(vec![int(1), int(2), int(3)]));
    check(vec![Some(1), None, Some(3)], list(vec![int(1), Value::Nil, int(3)]));
    check((1, "a".to_owned()), list(vec![int(1), "a".into()]));
    check(Two(1, "a".into()), list(vec![int(1), "a".into()]));
    check([1; 32], list(vec![int(1); 32]));
    check(
        Point { x: 0.5, y: Some(2) },
        table(vec![], vec![("x".into(), Value::Float(0.5)), ("y".into(), int(2))]),
    );
    check(Point { x: 0.5, y: None }, table(vec![], vec![("x".into(), Value::Float(0.5))]));
    check(BTreeMap::from([(1, "a".to_owned())]), table(vec![], vec![(int(1), "a".into())]));
    check(BTreeMap::from([((1, 2), true)]), table(vec![], vec![(list(vec![int(1), int(2)]), true.into())]));
    check(BTreeMap::<String, i32>::new(), list(vec![]));
}

#[test]
fn enums_are_a_name_or_a_table_of_one_pair() {
    let tagged = |name: &str, data| table(vec![], vec![(name.into(), data)]);
    check(Shape::Empty, "Empty".into());
    check(Shape::Circle(1.5), tagged("Circle", Value::Float(1.5)));
    check(Shape::Named(Some("n".into())), tagged("Named", "n".into()));
    check(Shape::Named(None), "Named".into());
    check(Shape::Line(1, 2), tagged("Line", list(vec![int(1), int(2)])));
    check(
        Shape::Box { w: 1, h: 2 },
        tagged("Box", table(vec![], vec![("w".into(), int(1)), ("h".into(), int(2))])),
    );
    check(Shape::Inner(Box::new(Shape::Empty)), tagged("Inner", "Empty".into()));
    check(
        vec![Shape::Named(None), Shape::Circle(0.5)],
        list(vec!["Named".into(), tagged("Circle", Value::Float(0.5))]),
    );
    check(BTreeMap::from([("k".to_owned(), Shape::Empty)]), tagged("k", "Empty".into()));

    refused::<Shape>("Circle".into(), "invalid type: nil");
    refused::<Shape>("Square".into(), "unknown variant `Square`");
    refused::<Shape>(list(vec![]), "an enum must be");
    refused::<Shape>(list(vec!["Empty".into()]), "an enum must be");
    refused::<Shape>(
        table(vec![], vec![("Circle".into(), int(1)), ("Empty".into(), int(1))]),
        "more than one key",
    );
    refused::<Shape>(tagged("Empty", int(1)), "invalid type");
}

#[test]
fn numbers_convert_where_lua_converts_them() {
    assert_eq!(from_slice::<i32>(&pack(Value::Float(3.0))).unwrap(), 3);
    assert_eq!(from_slice::<i64>(&pack(Value::Float(-9_223_372_036_854_775_808.0))).unwrap(), i64::MIN);
    assert_eq!(from_slice::<f64>(&pack(int(3))).unwrap(), 3.0);
    refused::<i32>(Value::Float(3.5), "floating point `3.5`");
    refused::<i64>(Value::Float(9_223_372_036_854_775_808.0), "floating point");
    refused::<i64>(Value::Float(f64::NAN), "floating point");
    refused::<u8>(int(256), "256");
    refused::<u64>(int(-1), "-1");
    refused::<i32>("1".into(), "string \"1\"");
    assert!(matches!(to_vec(&u64::MAX), Err(Error::IntegerRange(n)) if n == u64::MAX.to_string()));
    assert!(matches!(to_vec(&i128::MIN), Err(Error::IntegerRange(_))));
}

#[test]
fn arguments_are_values_in_sequence() {
    let bytes = to_args(&("set", 1, None::<i32>, vec![true])).unwrap();
    assert_eq!(Value::unpack(&bytes).unwrap(), ["set".into(), int(1), Value::Nil, list(vec![true.into()])]);
    let (name, one, none, bools): (&str, i32, Option<i32>, Vec<bool>) = from_args(&bytes).unwrap();
    assert_eq!((name, one, none, bools), ("set", 1, None, vec![true]));

    // One value alone, too many, too few, none.
    assert_eq!(from_args::<&str>(&bytes).unwrap(), "set");
    assert_eq!(from_args::<(&str,)>(&bytes).unwrap(), ("set",));
    assert_eq!(from_args::<(i32, Option<i32>)>(&to_args(&5).unwrap()).unwrap(), (5, None));
    assert_eq!(from_args::<(Option<i32>, ())>(b"").unwrap(), (None, ()));
    assert!(from_args::<(i32, i32)>(&to_args(&5).unwrap()).is_err());
    // A list or struct is one argument.
    assert_eq!(Value::unpack(&to_args(&vec![1]).unwrap()).unwrap(), [list(vec![int(1)])]);
    assert_eq!(from_args::<Vec<i32>>(&to_args(&vec![1]).unwrap()).unwrap(), [1]);
    assert_eq!(from_args::<Two>(&to_args(&Two(1, "a".into())).unwrap()).unwrap(), Two(1, "a".into()));
    // Corrupt arguments are found even where they are not wanted.
    assert!(matches!(from_args::<(i32,)>(b"\x0a\x01\x07"), Err(Error::Decode(_))));
}

#[test]
fn lists_with_holes_are_read_as_lua_packs_them() {
    let sparse = table(vec![int(1)], vec![(int(3), int(3))]);
    assert_eq!(from_slice::<Vec<Option<i32>>>(&pack(sparse.clone())).unwrap(), [Some(1), None, Some(3)]);
    assert_eq!(from_slice::<(i32, Option<i32>, i32)>(&pack(sparse.clone())).unwrap(), (1, None, 3));
    refused::<Vec<i32>>(sparse, "invalid type: nil");

    let tables = table(vec![], vec![(int(1), list(vec![int(1)])), (Value::Float(3.0), list(vec![int(3)]))]);
    assert_eq!(
        from_slice::<Vec<Option<Vec<i32>>>>(&pack(tables)).unwrap(),
        [Some(vec![1]), None, Some(vec![3])]
    );

    let backward = table(vec![], vec![(int(2), int(2)), (int(1), int(1))]);
    refused::<Vec<Option<i32>>>(backward, "a list has key 1 where 3 is expected");
    refused::<Vec<i32>>(table(vec![int(1)], vec![(int(0), int(1))]), "a list has key 0 where 2 is expected");
    refused::<Vec<Option<i32>>>(table(vec![], vec![(int(1 << 40), int(1))]), "a list has key 1099511627776");
    refused::<Vec<i32>>(table(vec![], vec![("n".into(), int(1))]), "a list has the key \"n\"");
}

#[test]
fn tuples_may_lack_nils_but_have_no_more_elements() {
    assert_eq!(from_slice::<(i32, Option<i32>)>(&pack(list(vec![int(1)]))).unwrap(), (1, None));
    assert_eq!(from_slice::<(i32,)>(&pack(list(vec![int(1), Value::Nil]))).unwrap(), (1,));
    refused::<(i32, i32)>(list(vec![int(1)]), "invalid type: nil");
    refused::<(i32,)>(list(vec![int(1), int(2)]), "more than the 1 elements");
}

#[test]
fn maps_take_the_array_part_and_structs_do_not() {
    let mixed = table(vec![int(10), Value::Nil, int(30)], vec![(int(7), int(70))]);
    let map: HashMap<i64, i32> = from_slice(&pack(mixed)).unwrap();
    assert_eq!(map, HashMap::from([(1, 10), (3, 30), (7, 70)]));

    // Key 1 is not the second field, and keys of other types are passed over with their values.
    let odd = table(
        vec![int(9), int(9)],
        vec![
            (true.into(), list(vec![int(1)])),
            (list(vec![int(1)]), list(vec![])),
            ("x".into(), int(1)),
            ("z".into(), list(vec![int(1)])),
        ],
    );
    assert_eq!(from_slice::<Point>(&pack(odd)).unwrap(), Point { x: 1.0, y: None });
    refused::<Point>(list(vec![int(1), int(2)]), "missing field `x`");
}

#[test]
fn sequences_of_unknown_length_are_counted() {
    struct Even(i32);
    impl Serialize for Even {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_seq((0..self.0).filter(|n| n % 2 == 0))
        }
    }
    for (limit, count) in [(0, 0), (3, 2), (59, 30), (61, 31), (2000, 1000)] {
        let bytes = to_args(&("before", Even(limit), 7)).unwrap();
        let (_, even, after): (String, Vec<i32>, i32) = from_args(&bytes).unwrap();
        assert_eq!((even, after), ((0..count).map(|n| n * 2).collect(), 7));
    }
}

#[test]
fn strings_are_borrowed_and_need_not_be_text() {
    let bytes = to_vec("text").unwrap();
    assert_eq!(from_slice::<&str>(&bytes).unwrap(), "text");
    let bytes = pack(Value::Str(vec![0xff, 0]));
    assert_eq!(from_slice::<&[u8]>(&bytes).unwrap(), [0xff, 0]);
    assert_eq!(from_slice::<Value>(&bytes).unwrap(), Value::Str(vec![0xff, 0]));
    assert!(from_slice::<String>(&bytes).is_err());
}

#[test]
fn values_of_any_shape_fit_a_value() {
    let mixed =
        table(vec![int(1), list(vec![])], vec![("p".into(), Value::Pointer(9)), (int(9), true.into())]);
    check(
        mixed.clone(),
        table(
            vec![],
            vec![
                (int(1), int(1)),
                (int(2), list(vec![])),
                ("p".into(), Value::Pointer(9)),
                (int(9), true.into()),
            ],
        ),
    );
    assert_eq!(from_slice::<Value>(&pack(mixed.clone())).unwrap(), mixed);
    let holes = list(vec![Value::Nil, int(2)]);
    assert_eq!(from_slice::<Value>(&pack(holes.clone())).unwrap(), holes);
}

#[test]
fn untagged_and_tagged_enums_and_flattened_maps_work() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Loose {
        Number(i64),
        Text(String),
        List(Vec<i64>),
        Point(Point),
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "cmd")]
    enum Tagged {
        Go { to: String },
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Open {
        id: i32,
        #[serde(flatten)]
        rest: BTreeMap<String, i32>,
    }
    check(Loose::Number(1), int(1));
    check(Loose::Text("a".into()), "a".into());
    check(Loose::List(vec![1]), list(vec![int(1)]));
    check(Loose::Point(Point { x: 1.5, y: None }), table(vec![], vec![("x".into(), Value::Float(1.5))]));
    let go = table(vec![], vec![("cmd".into(), "Go".into()), ("to".into(), "home".into())]);
    check(Tagged::Go { to: "home".into() }, go);
    let open = Open { id: 1, rest: BTreeMap::from([("a".into(), 2)]) };
    check(open, table(vec![], vec![("id".into(), int(1)), ("a".into(), int(2))]));
}

#[test]
fn one_value_means_one() {
    assert_eq!(from_slice::<Option<i32>>(b"").unwrap(), None);
    let Err(Error::Decode(error)) = from_slice::<i32>(b"\x0a\x01\x0a\x02") else { panic!("two values") };
    assert_eq!((error.kind, error.remaining), (DecodeErrorKind::TrailingBytes, 2));
}

#[test]
fn a_writer_gets_all_or_nothing() {
    let mut out = Vec::new();
    assert!(to_writer(&mut out, &(1, u64::MAX)).is_err());
    assert_eq!(out, b"");
    to_writer(&mut out, &(1, 2)).unwrap();
    assert_eq!(out, b"\x16\x0a\x01\x0a\x02\x00");
    assert!(matches!(to_writer(&mut [0_u8; 2][..], &(1, 2)), Err(Error::Io(_))));
}

#[test]
fn nil_keys_and_deep_types_are_errors() {
    assert!(matches!(to_vec(&BTreeMap::from([(None::<i32>, 1)])), Err(Error::Encode(_))));
    #[derive(Debug, Serialize, Deserialize)]
    struct Deep(Vec<Deep>);
    let deep = |tables| (1..tables).fold(Deep(vec![]), |inner, _| Deep(vec![inner]));
    let bytes = to_vec(&deep(33)).unwrap();
    assert!(from_slice::<Deep>(&bytes).is_ok());
    assert_eq!(to_vec(&deep(34)).unwrap_err().to_string(), "serialize can't pack too depth table");
}
