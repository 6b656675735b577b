//! Finds keys that look like a known key written wrongly. Programs keep keys of their own in the same file, so only
//! near misses count.

use super::keys;

/// A warning for each of `names` that is not known and close to a key that is.
pub(super) fn warnings<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    names.filter_map(warning).collect()
}

fn warning(name: &str) -> Option<String> {
    if name == keys::VERSION_KEY {
        return Some(format!("config key {name} is set by the node; the value in the file is ignored"));
    }
    if keys::find(name).is_some() {
        return None;
    }
    if let Some(meant) = closest(name) {
        return Some(format!("config key {name} is not known; did you mean {meant}?"));
    }
    let own = name.starts_with(keys::OWN_PREFIX);
    own.then(|| {
        format!("config key {name} is not known; the prefix {} belongs to the node", keys::OWN_PREFIX)
    })
}

fn closest(name: &str) -> Option<&'static str> {
    let folded = fold(name);
    // Slips seldom hit the first letter, and `path` is no slip of `cpath`.
    keys::all()
        .filter(|key| fold(key.name).first() == folded.first())
        .map(|key| (distance(&folded, &fold(key.name)), key.name))
        .filter(|(far, key)| *far <= tolerance(key))
        .min_by_key(|(far, _)| *far)
        .map(|(_, key)| key)
}

/// Case and underscores are what people remember least: `logPath`, `lua_service`.
fn fold(name: &str) -> Vec<char> {
    name.chars().filter(|c| *c != '_').flat_map(char::to_lowercase).collect()
}

/// Short words have many honest neighbours.
fn tolerance(key: &str) -> usize {
    match key.len() {
        0..=4 => 0,
        5..=8 => 1,
        _ => 2,
    }
}

/// How many letters are added, lost, changed, or swapped with their neighbour (the optimal string alignment distance).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    let mut previous = None;
    for (i, &x) in a.iter().enumerate() {
        let mut row = Vec::with_capacity(last.len());
        row.push(i + 1);
        for (j, &y) in b.iter().enumerate() {
            let mut least = (last[j] + usize::from(x != y)).min(last[j + 1] + 1).min(row[j] + 1);
            if j > 0 && previous == Some(y) && b[j - 1] == x {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
        previous = Some(x);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meant(name: &str) -> Option<&'static str> {
        keys::find(name).is_none().then(|| closest(name)).flatten()
    }

    #[test]
    fn slips_of_the_hand_are_found() {
        for (name, key) in [
            ("thraed", "thread"),
            ("threads", "thread"),
            ("Harbor", "harbor"),
            ("lua_service", "luaservice"),
            ("luapath", "lua_path"),
            ("boostrap", "bootstrap"),
            ("log_path", "logpath"),
            ("strat", "start"),
            ("logservcie", "logservice"),
            ("rs_preferfile", "rs_prefer_files"),
        ] {
            assert_eq!(meant(name), Some(key), "{name}");
        }
    }

    #[test]
    fn keys_of_programs_and_known_keys_are_left_alone() {
        for name in [
            "root",
            "nodename",
            "mysql_host",
            "port",
            "debug_port",
            "gate",
            "path",
            "max_client",
            "db",
            "snack",
        ] {
            assert_eq!(meant(name), None, "{name}");
        }
        assert!(
            warnings(keys::all().map(|key| key.name)).is_empty(),
            "a known key is never a slip of another"
        );
    }

    #[test]
    fn our_prefix_is_ours_alone() {
        assert_eq!(
            warnings(["rs_turbo"].into_iter()),
            ["config key rs_turbo is not known; the prefix rs_ belongs to the node"]
        );
    }
}
