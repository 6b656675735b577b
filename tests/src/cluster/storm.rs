//! Calls between all pairs of nodes at once, and the books of them: each is answered once, or failed once.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::nodes::Cluster;
use super::patience::{self, PATIENCE};

/// How often the books are looked at.
const LOOK: Duration = Duration::from_millis(50);

/// The calls of one node to another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Book {
    /// Who called.
    pub from: u32,
    /// Who was called.
    pub to: u32,
    /// Calls that were made.
    pub issued: u64,
    /// Those that were answered rightly.
    pub answered: u64,
    /// Those that ended in an error.
    pub failed: u64,
    /// Those that were answered with something else.
    pub wrong: u64,
}

impl Book {
    /// Calls that have not ended.
    #[must_use]
    pub fn open(&self) -> u64 {
        self.issued.saturating_sub(self.answered + self.failed + self.wrong)
    }
}

/// The books of all nodes that are up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Books(pub Vec<Book>);

impl Books {
    /// The calls of `from` to `to`; zeros where there were none.
    #[must_use]
    pub fn of(&self, from: u32, to: u32) -> Book {
        let book = self.0.iter().find(|book| (book.from, book.to) == (from, to));
        book.copied().unwrap_or(Book { from, to, ..Book::default() })
    }

    /// Demands that every call was answered between nodes that are none of `but`.
    ///
    /// # Errors
    /// With the first pair of which some failed, or none was made.
    pub fn answered_but_for(&self, but: &[u32]) -> Result<()> {
        for book in self.0.iter().filter(|book| !but.contains(&book.from) && !but.contains(&book.to)) {
            if book.failed > 0 {
                bail!("{} calls from {} to {} failed though both were well", book.failed, book.from, book.to);
            }
            if book.issued == 0 {
                bail!("node {} never called {}", book.from, book.to);
            }
        }
        Ok(())
    }

    /// Demands that every call was answered.
    ///
    /// # Errors
    /// With the first pair of which some failed.
    pub fn all_answered(&self) -> Result<()> {
        self.answered_but_for(&[])
    }

    fn sum(&self, of: impl Fn(&Book) -> u64) -> u64 {
        self.0.iter().map(of).sum()
    }
}

impl Cluster {
    /// Begins a storm: on each node that is up, so many coroutines call the echo services of all nodes that are up, its own
    /// too. Nodes that come up later join.
    ///
    /// # Errors
    /// When a node cannot be told.
    pub fn storm(&mut self, coroutines: u32) -> Result<()> {
        self.step(format!("a storm of {coroutines} coroutines a node begins"));
        self.storming = true;
        let up = self.up();
        for from in &up {
            for to in &up {
                self.target(*from, *to)?;
            }
        }
        for id in &up {
            self.blow(*id, coroutines)?;
        }
        Ok(())
    }

    /// A node that has come up: the others call it, it calls the others.
    pub(super) fn join_storm(&mut self, id: u32) -> Result<()> {
        for other in self.up() {
            self.target(other, id)?;
            if other != id {
                self.target(id, other)?;
            }
        }
        self.blow(id, 4)
    }

    fn target(&self, from: u32, to: u32) -> Result<()> {
        let echo = self.at(to).echo()?;
        self.at(from).run(format!("skynet.call(storm, 'lua', 'target', {to}, {echo})")).map(drop)
    }

    fn blow(&mut self, id: u32, coroutines: u32) -> Result<()> {
        let seed = self.random.number() >> 1;
        self.at(id).run(format!("skynet.call(storm, 'lua', 'go', {coroutines}, {seed})")).map(drop)
    }

    /// The books as they are now.
    ///
    /// # Errors
    /// When a node does not tell.
    pub fn books(&self) -> Result<Books> {
        let up = self.up();
        let asked: Vec<_> = up
            .iter()
            .map(|id| Ok((*id, self.at(*id).later("return skynet.call(storm, 'lua', 'books')")?)))
            .collect::<Result<_>>()?;
        let mut books = Vec::new();
        for (from, pending) in asked {
            let text = pending.wait()?;
            for line in text.lines() {
                books.push(parse(from, line).with_context(|| format!("no line of books: {line}"))?);
            }
        }
        Ok(Books(books))
    }

    /// Lets the storm go on until each node that is up has had so many more answers from each that is.
    ///
    /// # Errors
    /// When that takes too long.
    pub fn answers(&mut self, more: u64) -> Result<()> {
        let (up, before) = (self.up(), self.books()?);
        let pairs: Vec<(u32, u32)> = up.iter().flat_map(|from| up.iter().map(|to| (*from, *to))).collect();
        let mut missing = None;
        let reached = patience::until("calls between all pairs to be answered", PATIENCE, || {
            let now = self.books()?;
            let short = |(from, to): &&(u32, u32)| {
                now.of(*from, *to).answered < before.of(*from, *to).answered + more
            };
            missing = pairs.iter().find(short).copied();
            patience::pause(LOOK)?;
            Ok(missing.is_none().then_some(()))
        });
        let (from, to) = missing.unwrap_or_default();
        reached.with_context(|| format!("calls from node {from} to node {to} are not answered"))?;
        self.step(format!("{more} more calls of each pair are answered"));
        Ok(())
    }

    /// Ends the storm, waits until every call has ended, and gives the books.
    ///
    /// # Errors
    /// When a call hangs, was answered wrongly, or a message came twice or out of order.
    pub fn calm(&mut self) -> Result<Books> {
        self.storming = false;
        for id in self.up() {
            self.at(id).run("skynet.call(storm, 'lua', 'stop')")?;
        }
        let mut last = Books::default();
        let ended = patience::until("every call to end", PATIENCE / 2, || {
            last = self.books()?;
            Ok((last.sum(Book::open) == 0).then_some(()))
        });
        if ended.is_err() {
            let hanging = last.0.iter().filter(|book| book.open() > 0);
            let list: Vec<_> =
                hanging.map(|book| format!("{} from {} to {}", book.open(), book.from, book.to)).collect();
            ended.with_context(|| format!("calls hang: {}", list.join(", ")))?;
        }
        let (answered, failed) = (last.sum(|book| book.answered), last.sum(|book| book.failed));
        self.calls.0 += answered;
        self.calls.1 += failed;
        self.step(format!("calm: {answered} calls answered, {failed} failed"));
        if let Some(book) = last.0.iter().find(|book| book.wrong > 0) {
            bail!("{} calls from {} to {} were answered with something else", book.wrong, book.from, book.to);
        }
        for id in self.up() {
            let seen = self.at(id).run("return skynet.call(echo, 'lua', 'books')")?;
            if !seen.starts_with("0 ") {
                bail!("node {id} saw messages twice or out of order: {seen}");
            }
        }
        Ok(last)
    }
}

fn parse(from: u32, line: &str) -> Option<Book> {
    let mut numbers = line.split_whitespace().map(|word| word.parse::<u64>().ok());
    let mut next = || numbers.next().flatten();
    let to = u32::try_from(next()?).ok()?;
    Some(Book { from, to, issued: next()?, answered: next()?, failed: next()?, wrong: next()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn books_tell_open_calls_and_failures_between_the_well() {
        let book = parse(1, "2 10 7 2 0").expect("a line of books");
        assert_eq!((book.open(), book.answered), (1, 7));
        let books = Books(vec![book]);
        assert!(books.all_answered().is_err());
        assert!(books.answered_but_for(&[2]).is_ok());
        assert_eq!(books.of(3, 4).issued, 0);
        assert!(parse(1, "2 10 7").is_none());
    }
}
