//! A config becomes a running node: the one place that knows all crates.

use std::sync::mpsc::Sender;
use std::time::Duration;

use anyhow::anyhow;
use skynet_core::{Handle, LaunchError, LogTarget, Node, StartError};
use skynet_harbor::Limits;
use skynet_luabind::{LuaOptions, PreferFiles, Sources};
use skynet_socket::Sockets;

use crate::config::{Config, HarborSettings, INCARNATION_KEY, Prefer, SocketSettings};
use crate::ending::{Event, Events};
use crate::signals::Caught;
use crate::{c, complain, daemon, embed, module};

/// How long a node that could not start may take to end.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// Runs a node until its last service ends, in the background if the config says so. The status that the process should end with.
///
/// # Errors
///
/// What keeps the node from starting, in the words that programs match on.
pub(crate) fn run(config: &Config) -> anyhow::Result<u8> {
    for warning in &config.warnings {
        complain(format_args!("warning: {warning}"));
    }
    // Before any thread starts. Dropped, and so removed, after the node has ended.
    let _pid_file = config.daemon.as_deref().map(daemon::enter).transpose()?;
    run_with(config, embed::sources())
}

/// The same in the foreground and without the warnings, with these Lua files on board.
///
/// # Errors
///
/// As [`run`].
pub(crate) fn run_with(config: &Config, sources: Sources) -> anyhow::Result<u8> {
    let signals = Caught::catch()?;
    let events = Events::new();
    let node = start(config, sources, events.sender())?;
    signals.forward_to(node.clone(), events.sender())?;
    bootstrap(&node, config)?;
    Ok(events.wait(&node, &config.shutdown))
}

fn start(config: &Config, sources: Sources, events: Sender<Event>) -> anyhow::Result<Node> {
    let prefer_files = match &config.prefer {
        Prefer::Nothing => PreferFiles::None,
        Prefer::Everything => PreferFiles::All,
        Prefer::Names(names) => PreferFiles::Names(names.clone()),
    };
    let mut builder = Node::builder()
        .workers(config.threads)
        .worker_stack(c::thread_stack())
        .harbor(config.harbor)
        .profile(config.profile)
        .message_limit(config.runaway)
        .explain_errors(config.explain_errors)
        .module(
            "snlua",
            skynet_luabind::snlua(LuaOptions {
                sources,
                prefer_files,
                module_contexts: Some(c::module_contexts()),
            }),
        )
        .module("harbor", skynet_harbor::module_with(harbor_limits(&config.harbor_settings)))
        .module("gate", skynet_socket::gate::module())
        .module("group", skynet_core::group_module())
        .module("tunnel", skynet_core::tunnel_module())
        // Once nobody takes the events, the process is ending.
        .on_shutdown(move |_| drop(events.send(Event::Shutdown)))
        .setup(c::attach)
        .setup(socket_setup(&config.sockets))
        .log(log_target(config));
    // Those named in `rs_prefer_files` take the place of the ones above.
    for name in c::SHIPPED.into_iter().filter(|name| c::file_of(config, name).is_some()) {
        builder = builder.module(name, module::FileModule::new(config.module_path.clone(), name.to_owned()));
    }
    let module_path = config.module_path.clone();
    builder = builder.module_resolver(move |name| module::load(&module_path, name));
    for (key, value) in &config.env {
        builder = builder.env(key, value);
    }
    if config.harbor != 0 {
        let incarnation = config.harbor_settings.incarnation_now();
        builder = builder
            .first_local_id(skynet_harbor::first_local_id(incarnation))
            .env(INCARNATION_KEY, incarnation.to_string());
    }
    let node = builder.start().map_err(|error| match error {
        StartError::Logger { module, cause } => {
            anyhow!("{}\nCan't launch {module} service", explain(cause))
        }
        other => other.into(),
    })?;
    c::name_passed_over(&node, config);
    Ok(node)
}

/// Ties sockets to a node.
fn socket_setup(
    settings: &SocketSettings,
) -> impl FnOnce(&Node) -> Result<(), skynet_socket::StartError> + use<> {
    let options = skynet_socket::Options::default()
        .threads(settings.threads)
        .max_sockets(settings.max)
        .write_limit(settings.write_limit);
    |node| Sockets::attach(node, options).map(drop)
}

fn harbor_limits(settings: &HarborSettings) -> Limits {
    let mut limits = Limits::default();
    limits.messages = settings.queue;
    limits.bytes = settings.queue_bytes;
    limits.heartbeat = settings.heartbeat;
    limits
}

/// The log service of the core for `logger`, else the module that `logservice` names.
fn log_target(config: &Config) -> LogTarget {
    match (config.log_service.0.as_str(), &config.log_service.1) {
        ("logger", None) => LogTarget::Stdout,
        ("logger", Some(file)) => LogTarget::File(file.into()),
        (module, args) => {
            LogTarget::Module { name: module.to_owned(), args: args.clone().unwrap_or_default() }
        }
    }
}

fn bootstrap(node: &Node, config: &Config) -> anyhow::Result<()> {
    let first = &config.bootstrap;
    let Err(error) = node.launch(&first.module, first.args.as_bytes()) else {
        return Ok(());
    };
    // Where services log is where an operator looks; the line has always had an empty one behind it.
    node.log(Handle::NONE, format!("Bootstrap error : {}\n", first.line));
    let mut report = explain(error);
    if let Err(stuck) = node.stop(STOP_LIMIT) {
        report = format!("{report}\n{stuck}");
    }
    Err(anyhow!(report))
}

/// Why a service did not come up.
fn explain(error: LaunchError) -> String {
    match error {
        LaunchError::Create { cause, .. } | LaunchError::Init { cause, .. } => cause.to_string(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_service_follows_the_two_keys() {
        let target = |text| log_target(&Config::from_text("t", text).unwrap());
        assert!(matches!(target(""), LogTarget::Stdout));
        assert!(matches!(target("logger = 'a.log'"), LogTarget::File(path) if path.ends_with("a.log")));
        let module = target("logservice = 'snlua' logger = 'userlog'");
        assert!(matches!(module, LogTarget::Module { name, args } if name == "snlua" && args == "userlog"));
    }
}
