//! Results as a table for readers and as JSON for programs.

use super::c::CRow;
use super::harbor::HarborRow;
use super::net::NetRow;
use super::node::Kind;
use super::peers::{PEERS, ShapeResult};
use super::rows::ResultRow;

/// The table of the Lua benchmarks. Columns that nothing was measured for are left out.
pub(super) fn table(results: &[ResultRow]) -> String {
    let with_c = results.iter().any(|result| result.c.is_some());
    let with_off = results.iter().any(|result| result.c_profile_off.is_some());
    let mut first = header(&["name", "unit", "ours"]);
    if with_c {
        first.extend(header(&["C", "ratio"]));
    }
    if with_off {
        first.extend(header(&["C, profile off"]));
    }
    if with_c {
        first.extend(header(&["aim", ""]));
    }
    let mut lines = vec![first];
    for result in results {
        let mut line = vec![result.row.title.to_owned(), result.row.unit.to_owned(), number(result.ours)];
        if with_c {
            line.extend([number(result.c), times(result.ratio())]);
        }
        if with_off {
            line.push(number(result.c_profile_off));
        }
        if with_c {
            line.extend([result.row.aim.text(), verdict(result.met())]);
        }
        lines.push(line);
    }
    aligned(&lines)
}

/// The table of the core benchmark.
pub(super) fn core_table(results: &[ShapeResult]) -> String {
    let mut first = header(&["name", "unit"]);
    first.extend(PEERS.iter().map(|peer| (*peer).to_owned()));
    first.extend(header(&["ours/best", ""]));
    let mut lines = vec![first];
    for result in results {
        let mut line = vec![result.shape.title.to_owned(), result.shape.unit.to_owned()];
        line.extend(result.values.iter().map(|value| number(*value)));
        line.extend([times(result.ratio()), verdict(result.met())]);
        lines.push(line);
    }
    aligned(&lines)
}

/// The table of the network benchmarks.
pub(super) fn net_table(results: &[NetRow]) -> String {
    let with_off = results.iter().any(|result| result.c_profile_off.is_some());
    let mut first = header(&["name", "unit", "ours", "C", "Rust", "epoll", "ratio", "aim", ""]);
    if with_off {
        first.insert(4, "C, profile off".to_owned());
    }
    let mut lines = vec![first];
    for result in results {
        let mut line = vec![result.title.clone(), result.unit.to_owned()];
        line.extend([result.ours, result.c, result.rust, result.epoll].map(number));
        line.extend([times(result.ratio()), result.aim.text(), verdict(result.met())]);
        if with_off {
            line.insert(4, number(result.c_profile_off));
        }
        lines.push(line);
    }
    aligned(&lines)
}

/// The table of the benchmarks of two nodes. Pairs that were not measured are left out.
pub(super) fn harbor_table(results: &[HarborRow]) -> String {
    let measured = |index: &usize| {
        let value = |result: &HarborRow| result.values.get(*index).and_then(|(_, value)| *value);
        results.iter().any(|result| value(result).is_some())
    };
    let pairs = results.first().map_or(&[][..], |result| &result.values);
    let columns: Vec<usize> = (0..pairs.len()).filter(measured).collect();
    let mut first = header(&["name", "unit"]);
    first.extend(columns.iter().filter_map(|index| pairs.get(*index)).map(|(pair, _)| pair.name()));
    first.extend(header(&["ratio", "aim", ""]));
    let mut lines = vec![first];
    for result in results {
        let mut line = vec![result.test.title.to_owned(), "/s".to_owned()];
        let values = columns.iter().filter_map(|index| result.values.get(*index));
        line.extend(values.map(|(_, value)| number(*value)));
        line.extend([times(result.ratio()), result.test.aim.text(), verdict(result.met())]);
        lines.push(line);
    }
    aligned(&lines)
}

/// The table of the benchmarks of C services. Nodes that were not there are left out.
pub(super) fn c_table(results: &[CRow]) -> String {
    let with_c = results.iter().any(|result| result.ratio().is_some());
    let mut first = header(&["name", "unit"]);
    let shown = |kind: &Kind| with_c || matches!(kind, Kind::Ours | Kind::OursProfileOff);
    let kinds = results.first().map_or(&[][..], |result| &result.values);
    first.extend(
        kinds.iter().map(|(kind, _)| kind).filter(|kind| shown(kind)).map(|kind| kind.name().to_owned()),
    );
    if with_c {
        first.extend(header(&["ratio", "aim", ""]));
    }
    let mut lines = vec![first];
    for result in results {
        let mut line = vec![result.test.title.to_owned(), "/s".to_owned()];
        line.extend(result.values.iter().filter(|(kind, _)| shown(kind)).map(|(_, value)| number(*value)));
        if with_c {
            line.extend([times(result.ratio()), result.test.aim.text(), verdict(result.met())]);
        }
        lines.push(line);
    }
    aligned(&lines)
}

/// An array with one object for each row; what was not measured is `null`.
pub(super) fn json(results: &[ResultRow]) -> String {
    array(results.iter().map(|result| {
        format!(
            "{{\"name\": \"{}\", \"unit\": \"{}\", \"ours\": {}, \"c\": {}, \"c_profile_off\": {}, \"ratio\": {}, \"met\": {}}}",
            result.row.name,
            result.row.unit,
            json_number(result.ours),
            json_number(result.c),
            json_number(result.c_profile_off),
            json_number(result.ratio()),
            result.met().map_or("null".to_owned(), |met| met.to_string()),
        )
    }))
}

/// As [`json`], with one key for each peer.
pub(super) fn core_json(results: &[ShapeResult]) -> String {
    array(results.iter().map(|result| {
        let peers = PEERS.iter().zip(&result.values);
        let peers = peers.map(|(peer, value)| format!("\"{peer}\": {}", json_number(*value)));
        format!(
            "{{\"name\": \"{}\", \"unit\": \"{}\", {}, \"ratio\": {}}}",
            result.shape.row,
            result.shape.unit,
            peers.collect::<Vec<_>>().join(", "),
            json_number(result.ratio()),
        )
    }))
}

/// As [`json`], with those that the network benchmarks have beside the nodes.
pub(super) fn net_json(results: &[NetRow]) -> String {
    array(results.iter().map(|result| {
        format!(
            "{{\"name\": \"{}\", \"unit\": \"{}\", \"ours\": {}, \"c\": {}, \"c_profile_off\": {}, \"rust\": {}, \"epoll\": {}, \"ratio\": {}, \"met\": {}}}",
            result.name,
            result.unit,
            json_number(result.ours),
            json_number(result.c),
            json_number(result.c_profile_off),
            json_number(result.rust),
            json_number(result.epoll),
            json_number(result.ratio()),
            result.met().map_or("null".to_owned(), |met| met.to_string()),
        )
    }))
}

/// As [`json`], with one key for each pair of nodes.
pub(super) fn harbor_json(results: &[HarborRow]) -> String {
    array(results.iter().map(|result| {
        let values = result.values.iter();
        let values = values.map(|(pair, value)| format!("\"{}\": {}", pair.name(), json_number(*value)));
        format!(
            "{{\"name\": \"{}\", \"unit\": \"/s\", {}, \"ratio\": {}, \"met\": {}}}",
            result.test.name,
            values.collect::<Vec<_>>().join(", "),
            json_number(result.ratio()),
            result.met().map_or("null".to_owned(), |met| met.to_string()),
        )
    }))
}

/// As [`json`], with one key for each node.
pub(super) fn c_json(results: &[CRow]) -> String {
    array(results.iter().map(|result| {
        let values = result.values.iter();
        let values = values.map(|(kind, value)| format!("\"{}\": {}", kind.name(), json_number(*value)));
        format!(
            "{{\"name\": \"{}\", \"unit\": \"/s\", {}, \"ratio\": {}, \"met\": {}}}",
            result.test.name,
            values.collect::<Vec<_>>().join(", "),
            json_number(result.ratio()),
            result.met().map_or("null".to_owned(), |met| met.to_string()),
        )
    }))
}

fn array(objects: impl Iterator<Item = String>) -> String {
    format!("[\n  {}\n]", objects.collect::<Vec<_>>().join(",\n  "))
}

fn json_number(value: Option<f64>) -> String {
    match value {
        Some(value) if value.is_finite() => format!("{value:.4}"),
        _ => "null".to_owned(),
    }
}

fn header(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Three digits that matter: `1.23 M`, `45.6 k`, `789`, `12.3`.
fn number(value: Option<f64>) -> String {
    let Some(value) = value else { return "-".to_owned() };
    let (value, suffix) = match value {
        value if value >= 1e6 => (value / 1e6, " M"),
        value if value >= 1e3 => (value / 1e3, " k"),
        value => (value, ""),
    };
    match value {
        value if value >= 100.0 => format!("{value:.0}{suffix}"),
        value if value >= 10.0 => format!("{value:.1}{suffix}"),
        value => format!("{value:.2}{suffix}"),
    }
}

fn times(ratio: Option<f64>) -> String {
    ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.2} x"))
}

fn verdict(met: Option<bool>) -> String {
    match met {
        Some(true) => "ok".to_owned(),
        Some(false) => "MISS".to_owned(),
        None => String::new(),
    }
}

/// Columns padded to their widest cell; the first is text, the others are to the right.
fn aligned(lines: &[Vec<String>]) -> String {
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let row = |line: &Vec<String>| {
        let cells = line.iter().zip(&widths).enumerate();
        let padded = cells.map(|(column, (cell, width))| match column {
            0 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    lines.iter().map(row).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_three_digits() {
        let shown = [1_234_567.0, 45_600.0, 789.0, 12.34, 0.5].map(|value| number(Some(value)));
        assert_eq!(shown, ["1.23 M", "45.6 k", "789", "12.3", "0.50"]);
        assert_eq!(number(None), "-");
    }

    #[test]
    fn columns_line_up() {
        let cells = |words: &[&str]| header(words);
        let text = aligned(&[cells(&["name", "value"]), cells(&["a longer name", "1"])]);
        assert_eq!(text, "name           value\na longer name      1");
    }

    #[test]
    fn json_tells_what_was_not_measured_as_null() {
        assert_eq!(json_number(None), "null");
        assert_eq!(json_number(Some(f64::INFINITY)), "null");
        assert_eq!(json_number(Some(1.5)), "1.5000");
    }
}
