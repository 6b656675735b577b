//! Libraries that are cut off, as by a copy that has not come to its end. The system maps such a file, and touching what is missing ends
//! the process; so it is looked at before.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// How a file of 64 bits with the low byte first begins.
const MAGIC: [u8; 6] = [0x7f, b'E', b'L', b'F', 2, 1];
const HEADER: usize = 64;
/// A part that is loaded into memory.
const PT_LOAD: u32 = 1;
/// Where in the header it says where the table of parts is, how long one entry is, and how many there are.
const TABLE: (usize, usize, usize) = (32, 54, 56);
/// The least that an entry has.
const ENTRY: usize = 56;

/// Why the system must not be asked to load a file, if it must not. Files of other kinds are left to it.
pub(crate) fn fault(path: &Path) -> Option<&'static str> {
    let cut_off = File::open(path).and_then(|mut file| missing(&mut file)).unwrap_or(false);
    cut_off.then_some("the file is cut off: parts that it promises are missing")
}

fn missing(file: &mut (impl Read + Seek)) -> io::Result<bool> {
    let size = file.seek(SeekFrom::End(0))?;
    file.rewind()?;
    let mut header = [0; HEADER];
    file.read_exact(&mut header)?;
    if !header.starts_with(&MAGIC) {
        return Ok(false);
    }
    let (offset, length, count) = TABLE;
    let (length, count) = (number(&header, length, 2) as usize, number(&header, count, 2));
    if length < ENTRY {
        return Ok(false);
    }
    if file.seek(SeekFrom::Start(number(&header, offset, 8)))? > size {
        return Ok(true);
    }
    let mut entry = vec![0; length];
    for _ in 0..count {
        match file.read_exact(&mut entry) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(true),
            Err(error) => return Err(error),
        }
        let end = number(&entry, 8, 8).checked_add(number(&entry, 32, 8));
        if number(&entry, 0, 4) == u64::from(PT_LOAD) && end.is_none_or(|end| end > size) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A number of so many bytes, the low one first; what is not there counts as 0.
fn number(bytes: &[u8], at: usize, width: usize) -> u64 {
    let bytes = bytes.get(at..at + width).unwrap_or_default();
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn a_library_is_whole_and_no_part_of_it_is() {
        let whole =
            std::fs::read(std::env::current_exe().expect("the test is a file")).expect("it can be read");
        assert!(!missing(&mut Cursor::new(&whole)).expect("it is whole"));
        // Half of it may do: what is for debuggers comes last, and is not loaded.
        for size in [5000, 100, 64] {
            assert!(missing(&mut Cursor::new(&whole[..size])).expect("it has a header"), "{size}");
        }
        assert!(!missing(&mut Cursor::new([b'x'; 100])).expect("it is something else"));
        assert!(missing(&mut Cursor::new(&whole[..10])).is_err(), "no header: the system says so");
    }
}
