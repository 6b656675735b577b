//! A service that does, well or badly, what texts ask of it: `word argument`. Its launch argument may be one of `refuse`, `panic`,
//! `bad signals`, `bad exit` and `bad drop`.

#![forbid(unsafe_code)]

use std::thread;
use std::time::Duration;

use skynet_module::{
    Context, Error, Handle, Message, PTYPE_ERROR, PTYPE_RESPONSE, PTYPE_TEXT, Payload, Request, SendFailure,
    Service, SignalHandler,
};

/// A handle that nobody has.
const NOBODY: Handle = Handle::from_raw(0x00ff_fff0);

/// See the crate.
#[derive(Debug)]
pub struct Probe {
    args: String,
    kept: Vec<Request>,
    /// A request that is answered when this session comes, and whether with what comes.
    waiting: Option<(i32, Request)>,
    sender: skynet_module::Sender,
}

impl Service for Probe {
    fn init(ctx: &Context, args: &[u8]) -> Result<Self, Error> {
        let args = String::from_utf8(args.to_vec())?;
        match args.as_str() {
            "refuse" => return Err("it was told to refuse".into()),
            "panic" => panic!("told to panic at once"),
            _ => {}
        }
        let sender = ctx.sender().ok_or("no sender")?;
        Ok(Probe { args, kept: Vec::new(), waiting: None, sender })
    }

    fn on_message(&mut self, ctx: &Context, msg: Message) {
        if matches!(msg.kind, PTYPE_RESPONSE | PTYPE_ERROR) {
            return self.on_answer(msg);
        }
        if msg.kind != PTYPE_TEXT {
            return;
        }
        let text = String::from_utf8_lossy(&msg.payload).into_owned();
        let (word, rest) = text.split_once(' ').unwrap_or((&text, ""));
        match word {
            // Before it is accepted, the request is the node's to answer.
            "panic" => panic!("told to panic"),
            "redirect" => return redirect(ctx, rest, msg),
            "redirect-and-panic" => {
                redirect(ctx, rest, msg);
                panic!("after a redirect");
            }
            _ => {}
        }
        let Ok((request, payload)) = ctx.accept(msg) else { return };
        match word {
            "whole" => respond(request, payload),
            "keep" => self.kept.push(request),
            "release" => {
                self.kept.drain(..).for_each(|kept| respond(kept, "released"));
                respond(request, "ok");
            }
            "refuse" => request.refuse("because"),
            "drop" => {}
            "accept-and-panic" => panic!("with a request in hand"),
            "info" => respond(request, info(ctx).err().map_or("ok".to_owned(), |wrong| wrong.to_string())),
            "unsent" => {
                respond(request, unsent(ctx).err().map_or("ok".to_owned(), |wrong| wrong.to_string()));
            }
            "timer" => self.waiting = Some((ctx.timeout(Duration::from_millis(1)), request)),
            "ask" => match ctx.request(address(rest), PTYPE_TEXT, "whole question") {
                Ok(session) => self.waiting = Some((session, request)),
                Err(error) => request.refuse(error.to_string()),
            },
            "thread" => self.answer_on_a_thread(request),
            "exit" => {
                respond(request, "ok");
                ctx.exit();
            }
            _ => respond(request, format!("no check {word}")),
        }
    }

    fn on_exit(&mut self, ctx: &Context) {
        ctx.log(format!("probe ends and owes {}", self.kept.len()));
        assert!(self.args != "bad exit", "told to panic at exit");
    }

    fn signal_handler(&self) -> Option<SignalHandler> {
        assert!(self.args != "bad signals", "told to panic when asked for a handler");
        let sender = self.sender.clone();
        Some(Box::new(move |signal| {
            assert!(signal != 13, "an unlucky number");
            sender.log(format!("probe got signal {signal}"));
        }))
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        assert!(self.args != "bad drop", "told to panic when dropped");
    }
}

impl Probe {
    fn on_answer(&mut self, msg: Message) {
        let Some((_, request)) = self.waiting.take_if(|(session, _)| *session == msg.session) else { return };
        match (msg.kind, msg.source) {
            (PTYPE_RESPONSE, Handle::NONE) => respond(request, "the timer came"),
            // As it came: the block is passed on.
            (PTYPE_RESPONSE, _) => respond(request, msg.payload),
            _ => drop(request),
        }
    }

    /// The request is answered by another thread, after a message by name and one in the name of the asker.
    fn answer_on_a_thread(&self, request: Request) {
        let sender = self.sender.clone();
        thread::spawn(move || {
            let asker = request.source();
            let message = |text: &str, source| Message {
                kind: PTYPE_TEXT,
                source,
                payload: text.into(),
                ..Message::default()
            };
            let _ = sender.send_name(asker.to_string(), message("named", Handle::NONE));
            let _ = sender.send_message(asker, message("in your name", asker));
            sender.log("from a thread");
            let failed = sender.send_message(NOBODY, message("to nobody", Handle::NONE));
            let failed = failed.is_err_and(|error| error.reason == SendFailure::DeadHandle);
            respond(request, if failed { "ok" } else { "nobody got a message" });
        });
    }
}

/// What cannot be sent has nobody who waits for it.
fn respond(request: Request, payload: impl Into<Payload>) {
    let _ = request.respond(payload);
}

fn address(text: &str) -> Handle {
    text.parse().unwrap_or(Handle::NONE)
}

/// Passes a message on; if that fails, its request is answered here.
fn redirect(ctx: &Context, dest: &str, msg: Message) {
    let again = Message { payload: Payload::empty(), ..msg };
    if let Err(error) = ctx.redirect(address(dest), msg)
        && let Ok((request, _)) = ctx.accept(again)
    {
        request.refuse(error.to_string());
    }
}

/// What the node says about itself and the service.
fn info(ctx: &Context) -> Result<(), Error> {
    let text = |answer: Option<Payload>| answer.map(|text| String::from_utf8_lossy(&text).into_owned());
    let is_own = |answer| text(answer).map(|text| address(&text)) == Some(ctx.handle());
    check(is_own(ctx.command("REG", "")), "REG gives the own address")?;
    check(text(ctx.command("REG", ".probe")).as_deref() == Some("probe"), "REG of a name gives the name")?;
    check(is_own(ctx.command("QUERY", ".probe")), "the name is known")?;
    check(text(ctx.command("STAT", "unknown")).as_deref() == Some(""), "an empty result is one")?;
    check(ctx.command("NOSUCH", "").is_none(), "an unknown command gives nothing")?;
    let first = ctx.new_session();
    check(first > 0 && ctx.new_session() == first + 1, "sessions count")?;
    check(ctx.now() < 1_000_000 && ctx.mqlen() < 1000, "time and mailbox are plausible")
}

/// A message that cannot be sent comes back with what it had, and why.
fn unsent(ctx: &Context) -> Result<(), Error> {
    let payload = Payload::from("comes back");
    let block = payload.as_ptr();
    let error = ctx.send(NOBODY, PTYPE_TEXT, payload).expect_err("nobody is there");
    check(error.reason == SendFailure::DeadHandle, "the handle is dead")?;
    check(&*error.payload == b"comes back" && error.payload.as_ptr() == block, "the block comes back")?;
    let named = Message { kind: PTYPE_TEXT, payload: error.payload, ..Message::default() };
    let error = ctx.send_name(".nobody", named).expect_err("nobody has this name");
    check(
        error.reason == SendFailure::UnknownName && error.payload.as_ptr() == block,
        "the name is unknown",
    )?;
    let error = ctx.request(Handle::NONE, PTYPE_TEXT, error.payload).expect_err("no destination");
    check(
        error.reason == SendFailure::NoDestination && error.payload.as_ptr() == block,
        "there is no destination",
    )?;
    match ctx.send(Handle::from_raw(0x0500_0001), PTYPE_TEXT, error.payload) {
        // With a harbor service it is that one's.
        Ok(()) => Ok(()),
        Err(error) => check(
            error.reason == SendFailure::NoHarbor && error.payload.as_ptr() == block,
            "there is no harbor",
        ),
    }
}

fn check(holds: bool, what: &str) -> Result<(), Error> {
    if holds { Ok(()) } else { Err(format!("it is not true that {what}").into()) }
}

skynet_module::export!(probe = Probe);
