//! Clusters of real nodes: what they should live through. `cargo test -p skynet-tests --test cluster` runs the quick ones,
//! `cargo xtask cluster-test` all of them; [`SCENARIOS`] is the list.
//!
//! A scenario is a function that starts, kills, freezes and cuts off nodes and runs Lua code in them, by what
//! `skynet_tests::cluster` has. The services of the nodes are in `lua/`: `agent` runs the code, `echo` is called, `storm`
//! calls. In that code, `echo` and `storm` are the handles of those on the same node, `harbor` and `datacenter` the
//! modules, and `count()` is a number above the last, which an echo service wants from each sender.

#![forbid(unsafe_code)]

mod churn;
mod control;
mod deaths;
mod frozen;
mod groups;
mod hostile;
mod interop;
mod links;
mod names;
mod shared;
mod shutdown;
mod starts;
mod watching;

use std::process::ExitCode;

use skynet_tests::cluster::Layout::{C, CMaster, Files, Mixed, OurMaster, Ours};
use skynet_tests::cluster::{self, Scenario};

/// A scenario of our nodes alone: C skynet knows nothing of it.
const fn ours(
    name: &'static str,
    sizes: &'static [u32],
    run: fn(&mut cluster::Cluster) -> anyhow::Result<()>,
) -> Scenario {
    Scenario { name, layouts: &[Ours], sizes, least: 2, quick: false, run }
}

/// A scenario of any nodes.
const fn any(
    name: &'static str,
    sizes: &'static [u32],
    run: fn(&mut cluster::Cluster) -> anyhow::Result<()>,
) -> Scenario {
    Scenario {
        name,
        layouts: &[Ours, C, CMaster, OurMaster, Mixed, Files],
        sizes,
        least: 2,
        quick: false,
        run,
    }
}

const fn least(nodes: u32, scenario: Scenario) -> Scenario {
    Scenario { least: nodes, ..scenario }
}

/// Run by `cargo test`, too.
const fn quick(scenario: Scenario) -> Scenario {
    Scenario { quick: true, ..scenario }
}

const SCENARIOS: &[Scenario] = &[
    quick(any("calls", &[2, 5], starts::calls_between_all_pairs)),
    ours("many", &[32], starts::calls_between_all_pairs),
    any("any-order", &[5], starts::in_any_order),
    least(3, Scenario { layouts: &[Ours, CMaster], ..any("master-last", &[4], starts::master_last) }),
    quick(any("names", &[3], names::before_while_and_after_links)),
    any("wait-for-node", &[3], names::messages_wait_for_a_node),
    quick(ours("names-again", &[3], names::names_follow_a_new_life)),
    ours("bounded", &[2], names::what_waits_is_bounded),
    quick(any("unique", &[3], shared::unique_service_is_raced)),
    quick(any("datacenter", &[3], shared::datacenter_waits)),
    least(3, ours("shared-again", &[3], shared::shared_things_come_back)),
    quick(any("multicast", &[2, 3], groups::channels)),
    quick(any("testmulticast2", &[2], groups::the_scripts_of_c_skynet)),
    any("multicast-sizes", &[2], groups::channels_of_any_size),
    quick(ours("multicast-dies", &[3], groups::a_subscriber_dies_and_comes_back)),
    ours("multicast-owner", &[3], groups::an_owner_dies_and_comes_back),
    quick(ours("global-group", &[3], groups::a_global_group)),
    ours("groups-cut", &[3], groups::cut_and_healed),
    quick(ours("tunnel", &[2], groups::tunnels_and_members_elsewhere)),
    any("sizes", &[2], interop::big_messages),
    any("dead-handle", &[2], interop::calls_to_dead_services),
    quick(least(3, ours("kill", &[3, 5, 32], deaths::killed_in_a_storm_and_back))),
    least(3, ours("leave", &[3], deaths::a_node_leaves)),
    ours("waiting-calls", &[3], deaths::waiting_calls_fail_at_once),
    quick(ours("watch", &[2], deaths::watched_services_end)),
    quick(ours("churn", &[2], churn::services_end)),
    ours("churn-killed", &[2], churn::a_node_ends),
    quick(ours("monitor", &[2], watching::a_monitor_elsewhere)),
    quick(ours("linked", &[2], watching::linked_services_end)),
    least(3, ours("linked-cut", &[3], watching::linked_services_end_with_the_way)),
    ours("watchers", &[2], watching::watchers_come_and_go),
    ours("old-handles", &[2], deaths::old_handles_find_nobody),
    least(3, ours("kill-each", &[4], deaths::each_is_killed_in_turn)),
    quick(least(3, ours("master", &[3, 5], deaths::master_dies_and_comes_back))),
    least(3, ours("master-alone", &[3], deaths::newcomer_after_the_master_came_back)),
    any("link-watch", &[3], deaths::watchers_wake),
    least(
        3,
        Scenario { layouts: &[OurMaster, Mixed], ..ours("c-killed", &[3], interop::a_c_node_is_killed) },
    ),
    least(3, Scenario { layouts: &[Mixed], ..ours("c-storm", &[3], interop::a_c_node_is_killed_in_a_storm) }),
    least(3, Scenario { layouts: &[Mixed], ..ours("c-back", &[3], interop::a_c_node_comes_back) }),
    least(
        3,
        Scenario { layouts: &[CMaster], ..ours("c-refuses", &[3], interop::a_c_master_takes_nobody_back) },
    ),
    least(3, any("frozen-briefly", &[3], frozen::briefly)),
    least(3, ours("frozen-long", &[3], frozen::beyond_the_heartbeat)),
    least(3, ours("frozen-master", &[3], frozen::the_master)),
    any("delay", &[3], links::delayed),
    any("hold", &[3], links::held),
    quick(least(3, ours("cut", &[3], links::cut))),
    least(3, ours("drop", &[3], links::dropped)),
    least(3, ours("truncate", &[3], links::truncated)),
    least(3, ours("cut-master", &[3], links::cut_from_the_master)),
    least(3, ours("secret-names", &[4], control::secret)),
    least(3, ours("new-life", &[3], control::standalone_in_a_new_life)),
    least(3, ours("taken-over", &[3], control::name_is_taken_over)),
    least(3, ours("drop-master", &[3], links::master_out_of_earshot)),
    least(3, ours("truncate-master", &[3], links::master_mumbles)),
    quick(ours("hostile", &[2], hostile::bytes_on_every_port)),
    ours("scanner", &[2], hostile::connections_without_a_word),
    ours("secret", &[3], hostile::a_secret_keeps_strangers_out),
    quick(least(3, ours("shutdown", &[3], shutdown::all_nodes_go_phase_by_phase))),
    least(3, ours("shutdown-frozen", &[3], shutdown::a_frozen_node_is_passed_by)),
    ours("shutdown-leader", &[2], shutdown::the_leader_dies),
    least(3, Scenario { layouts: &[Mixed], ..ours("shutdown-c", &[3], shutdown::c_nodes_live_on) }),
    ours("chaos", &[5], deaths::chaos),
];

fn main() -> ExitCode {
    cluster::main(SCENARIOS)
}
