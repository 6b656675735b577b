//! A score board, called by Lua services: `skynet.call(scores, "lua", "add", "ann", 3)`, `skynet.call(scores, "lua", "top")`.

#![forbid(unsafe_code)]

use std::collections::BTreeMap;

use skynet_module::{Context, Error, Message, PTYPE_LUA, Service};

/// No lock is needed: a service handles one message at a time.
#[derive(Debug, Default)]
pub struct Scores {
    /// How many players `top` lists.
    most: usize,
    points: BTreeMap<String, i64>,
}

impl Service for Scores {
    fn init(ctx: &Context, args: &[u8]) -> Result<Self, Error> {
        let most =
            std::str::from_utf8(args)?.parse().map_err(|_| "its argument is how many players to list")?;
        ctx.log(format!("the {most} best will be listed"));
        Ok(Scores { most, ..Scores::default() })
    }

    fn on_message(&mut self, ctx: &Context, msg: Message) {
        if msg.kind != PTYPE_LUA {
            return;
        }
        // A request that is dropped is answered with an error: no caller waits for ever.
        let Ok((request, args)) = ctx.accept(msg) else { return };
        match self.answer(&args) {
            // If it fails, the one who asked is gone.
            Ok(results) => drop(request.respond(results)),
            Err(error) => request.refuse(error.to_string()),
        }
    }
}

impl Scores {
    /// The packed results of a call with these packed arguments.
    fn answer(&mut self, args: &[u8]) -> Result<Vec<u8>, Error> {
        let results = match skynet_seri::from_args::<(&str, Option<&str>, Option<i64>)>(args)? {
            ("add", Some(player), Some(points)) => {
                let total = self.points.entry(player.to_owned()).or_default();
                *total = total.saturating_add(points);
                skynet_seri::to_args(&(*total,))
            }
            ("top", ..) => {
                let mut players: Vec<_> = self.points.iter().collect();
                players.sort_by_key(|(_, points)| std::cmp::Reverse(**points));
                players.truncate(self.most);
                skynet_seri::to_args(&(players,))
            }
            (command, ..) => return Err(format!("no command {command} with these arguments").into()),
        };
        Ok(results?)
    }
}

skynet_module::export!(scores = Scores);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_come_first_and_no_more_than_asked_for() {
        let mut scores = Scores { most: 2, ..Scores::default() };
        for (player, points) in [("ann", 3), ("ben", 5), ("cat", 1), ("ann", 4)] {
            scores.answer(&skynet_seri::to_args(&("add", player, points)).unwrap()).unwrap();
        }
        let top = scores.answer(&skynet_seri::to_args(&("top",)).unwrap()).unwrap();
        let (top,): (Vec<(String, i64)>,) = skynet_seri::from_args(&top).unwrap();
        assert_eq!(top, [("ann".to_owned(), 7), ("ben".to_owned(), 5)]);
    }

    #[test]
    fn what_it_does_not_know_is_an_error() {
        let args = skynet_seri::to_args(&("win", "ann")).unwrap();
        let error = Scores::default().answer(&args).unwrap_err().to_string();
        assert_eq!(error, "no command win with these arguments");
        assert!(Scores::default().answer(b"\xff").is_err());
    }
}
