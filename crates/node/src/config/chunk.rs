//! The first stage: a config file is a Lua chunk, run in an empty environment that only offers `include`. What it
//! assigns are the entries.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use mlua::chunk::ChunkMode;
use mlua::{Lua, LuaOptions, StdLib, Table, Value};

use super::error::ConfigError;

/// What a config assigns: names with values in text form. Bytes that are no UTF-8 have become U+FFFD.
pub(crate) type Entries = BTreeMap<String, String>;

/// More than any sane config needs, and less than what Lua's own stack of C calls allows.
const INCLUDE_LIMIT: usize = 64;

/// Runs the config file at `path`.
pub(super) fn run(path: &Path) -> Result<Entries, ConfigError> {
    let lua = Lua::new_with(StdLib::NONE, LuaOptions::new()).map_err(lua_error)?;
    let env = environment(&lua).map_err(lua_error)?;
    run_file(&lua, &env, path.as_os_str().as_bytes())?;
    entries(&lua, &env)
}

/// Runs a config given as text; `include` in it is relative to the current folder.
pub(super) fn run_text(name: &str, text: &[u8]) -> Result<Entries, ConfigError> {
    let lua = Lua::new_with(StdLib::NONE, LuaOptions::new()).map_err(lua_error)?;
    let env = environment(&lua).map_err(lua_error)?;
    run_chunk(&lua, &env, name.as_bytes(), text)?;
    entries(&lua, &env)
}

/// The folders of the files that run just now, outermost first, each with its final `/`.
#[derive(Default)]
struct Folders(Mutex<Vec<Vec<u8>>>);

impl Folders {
    /// The path of a file named in the innermost file, and of the folder that holds it.
    fn resolve(&self, name: &[u8]) -> Vec<u8> {
        let open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if name.starts_with(b"/") {
            return name.to_vec();
        }
        let mut path = match open.last() {
            Some(folder) => folder.clone(),
            None if name.contains(&b'/') => Vec::new(),
            None => b"./".to_vec(),
        };
        path.extend_from_slice(name);
        path
    }

    fn enter(&self, path: &[u8]) -> Result<(), ConfigError> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= INCLUDE_LIMIT {
            return Err(ConfigError::IncludeDepth { path: lossy(path), limit: INCLUDE_LIMIT });
        }
        let end = path.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
        open.push(path.get(..end).unwrap_or_default().to_vec());
        Ok(())
    }

    fn leave(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
    }
}

/// An empty table whose only visible content is `include`, which does not count as an entry.
fn environment(lua: &Lua) -> mlua::Result<Table> {
    let env = lua.create_table()?;
    let offered = lua.create_table()?;
    let target = env.clone();
    offered.raw_set(
        "include",
        lua.create_function(move |lua, name: Value| match name {
            Value::String(name) => run_file(lua, &target, &name.as_bytes()).map_err(mlua::Error::external),
            other => Err(mlua::Error::external(ConfigError::Run(format!(
                "include needs the name of a file, not a {} value",
                other.type_name()
            )))),
        })?,
    )?;
    let meta = lua.create_table()?;
    meta.raw_set("__index", offered)?;
    env.set_metatable(Some(meta))?;
    lua.set_app_data(Arc::new(Folders::default()));
    Ok(env)
}

fn run_file(lua: &Lua, env: &Table, name: &[u8]) -> Result<(), ConfigError> {
    let Some(folders) = lua.app_data_ref::<Arc<Folders>>().map(|folders| Arc::clone(&folders)) else {
        return Err(ConfigError::Run("the config loader has no include folders".to_owned()));
    };
    let path = folders.resolve(name);
    let text = read(&path)?;
    folders.enter(&path)?;
    let done = run_chunk(lua, env, name, &text);
    folders.leave();
    done
}

fn run_chunk(lua: &Lua, env: &Table, name: &[u8], text: &[u8]) -> Result<(), ConfigError> {
    let text = substitute(text, |name| std::env::var_os(name).map(|value| value.as_bytes().to_vec()))?;
    lua.load(text)
        .set_name(format!("@{}", lossy(name)))
        .set_mode(ChunkMode::Text)
        .set_environment(env.clone())
        .exec()
        .map_err(lua_error)
}

fn read(path: &[u8]) -> Result<Vec<u8>, ConfigError> {
    let os_path = Path::new(std::ffi::OsStr::from_bytes(path));
    let mut file = File::open(os_path)
        .map_err(|source| ConfigError::Open { path: lossy(path), source: Arc::new(source) })?;
    let mut text = Vec::new();
    file.read_to_end(&mut text)
        .map_err(|source| ConfigError::Read { path: lossy(path), source: Arc::new(source) })?;
    Ok(text)
}

/// Puts the variables of the environment in place of `$NAME`, wherever it stands: in strings and comments too.
fn substitute(text: &[u8], variable: impl Fn(&str) -> Option<Vec<u8>>) -> Result<Vec<u8>, ConfigError> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(dollar) = rest.iter().position(|byte| *byte == b'$') {
        let (before, after) = rest.split_at(dollar);
        out.extend_from_slice(before);
        let after = after.get(1..).unwrap_or_default();
        let end = after
            .iter()
            .position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_')
            .unwrap_or(after.len());
        let (name, behind) = after.split_at(end);
        if name.is_empty() {
            out.push(b'$');
        } else {
            let name = lossy(name);
            let value = variable(&name).ok_or_else(|| ConfigError::MissingVariable(name.clone()))?;
            out.extend_from_slice(&value);
        }
        rest = behind;
    }
    out.extend_from_slice(rest);
    Ok(out)
}

fn entries(lua: &Lua, env: &Table) -> Result<Entries, ConfigError> {
    let mut entries = Entries::new();
    for pair in env.pairs::<Value, Value>() {
        let (key, value) = pair.map_err(lua_error)?;
        let Value::String(key) = key else {
            return Err(ConfigError::KeyType);
        };
        let key = lossy(&key.as_bytes());
        let text = match value {
            Value::Boolean(flag) => flag.to_string(),
            Value::String(_) | Value::Integer(_) | Value::Number(_) => {
                match lua.coerce_string(value).map_err(lua_error)? {
                    Some(text) => lossy(&text.as_bytes()),
                    None => return Err(ConfigError::ValueType(key)),
                }
            }
            _ => return Err(ConfigError::ValueType(key)),
        };
        entries.insert(key, text);
    }
    Ok(entries)
}

/// The one line in an error of Lua: ours if one of our functions raised it, else Lua's message without a traceback.
fn lua_error(error: mlua::Error) -> ConfigError {
    if let Some(own) = error.downcast_ref::<ConfigError>() {
        return own.clone();
    }
    match error {
        mlua::Error::SyntaxError { message, .. } => ConfigError::Syntax(first_part(&message)),
        mlua::Error::RuntimeError(message) => ConfigError::Run(first_part(&message)),
        mlua::Error::CallbackError { cause, .. } => lua_error(cause.as_ref().clone()),
        other => ConfigError::Run(first_part(&other.to_string())),
    }
}

fn first_part(message: &str) -> String {
    message.split("\nstack traceback:").next().unwrap_or(message).to_owned()
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable(name: &str) -> Option<Vec<u8>> {
        (name == "HOME_1").then(|| b"/home".to_vec())
    }

    #[test]
    fn a_variable_is_replaced_wherever_it_stands() {
        let text = substitute(b"a = '$HOME_1/x' -- $HOME_1, $$HOME_1 and a lone $", variable).unwrap();
        assert_eq!(text, b"a = '/home/x' -- /home, $/home and a lone $");
    }

    #[test]
    fn an_unknown_variable_is_named() {
        let error = substitute(b"-- $NOWHERE.", variable).unwrap_err();
        assert_eq!(error.to_string(), "[skynet config]:2: os.getenv() failed: NOWHERE");
    }

    #[test]
    fn values_take_lua_s_text_form() {
        let entries =
            run_text("t", b"a = 1 b = 1.5 c = true d = 'x' e = nil f = 1e15 local g = 2 h = g * 2").unwrap();
        let shown: Vec<_> = entries.iter().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(shown, ["a=1", "b=1.5", "c=true", "d=x", "f=1e+15", "h=4"]);
    }

    #[test]
    fn a_chunk_sees_nothing_but_include() {
        let error = run_text("t", b"x = print('hello')").unwrap_err();
        assert_eq!(error.to_string(), "t:1: attempt to call a nil value (global 'print')");
        assert!(run_text("t", b"local f = include").unwrap().is_empty());
    }
}
