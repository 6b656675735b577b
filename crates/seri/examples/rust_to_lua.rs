//! What Lua sees of Rust values, and Rust of Lua's.
//!
//! Run it with `cargo run -p skynet-seri --features serde --example rust_to_lua`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use skynet_seri::{DecodeError, Decoder, Place, Table, Token, Value, from_args, to_args};

#[derive(Debug, Serialize, Deserialize)]
enum Order {
    Leave,
    Say(String),
    Move { x: f64, y: f64 },
}

#[derive(Debug, Serialize, Deserialize)]
struct Player {
    name: String,
    guild: Option<String>,
    items: BTreeMap<String, u32>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let player = Player { name: "Ann".into(), guild: None, items: BTreeMap::from([("lamp".into(), 2)]) };
    let orders = [Order::Say("hi".into()), Order::Move { x: 1.0, y: 2.5 }, Order::Leave];

    // The arguments of a call, as skynet.pack(7, player, orders) would pack them.
    let bytes = to_args(&(7, &player, &orders))?;
    println!("{} bytes; Lua sees:", bytes.len());
    print_as_lua(&bytes)?;

    // A Lua service answers skynet.retpack(true, { x = 3, y = 4 }); numbers fit where Lua would convert them.
    let answer = Value::pack(&[
        Value::from(true),
        Value::from(Table { array: vec![], hash: vec![("x".into(), 3.into()), ("y".into(), 4.into())] }),
    ])?;
    let (ok, place): (bool, BTreeMap<String, f64>) = from_args(&answer)?;
    println!("Rust sees: {ok}, {place:?}");

    // A third value would be nil, so an Option may stand for it.
    let (_, _, more): (bool, Value, Option<String>) = from_args(&answer)?;
    println!("and behind the last: {more:?}");
    Ok(())
}

/// Prints values in Lua's syntax with nothing but the pull parser.
fn print_as_lua(bytes: &[u8]) -> Result<(), DecodeError> {
    let mut decoder = Decoder::new(bytes);
    loop {
        let (place, depth) = (decoder.place(), decoder.depth());
        let Some(token) = decoder.next_token()? else { return Ok(()) };
        let text = match token {
            Token::Nil => "nil".to_owned(),
            Token::Bool(value) => value.to_string(),
            Token::Integer(number) => number.to_string(),
            Token::Float(number) => format!("{number:?}"),
            Token::Pointer(address) => format!("userdata {address:#x}"),
            Token::Str(text) => format!("{:?}", String::from_utf8_lossy(text)),
            Token::Table(_) => "{".to_owned(),
            Token::End => "}".to_owned(),
        };
        match (token, place) {
            (Token::End, _) => println!("{:1$}{text}", "", 4 * decoder.depth()),
            (_, Place::Key) => print!("{:1$}[{text}] = ", "", 4 * depth),
            (_, Place::Value) => println!("{text}"),
            _ => println!("{:1$}{text}", "", 4 * depth),
        }
    }
}
