//! A network with a secret lets in only those who know it.

use skynet_seri::Value;
use skynet_tests::node::Config;

use crate::ours;
use crate::peer::{FEATURES, Master, Peer, Slave, address, listen, port, values};
use crate::proof::hmac;

const SECRET: &str = "open sesame";

fn with_secret(config: Config) -> Config {
    config.text("rs_harbor_secret", SECRET)
}

fn proof(role: &str, challenge: &[u8]) -> Vec<u8> {
    hmac(SECRET.as_bytes(), &[role.as_bytes(), challenge].concat())
}

fn bytes(value: &Value) -> Vec<u8> {
    match value {
        Value::Str(bytes) => bytes.clone(),
        other => panic!("{other:?} are no bytes"),
    }
}

/// The challenge in a package of the kind A.
#[track_caller]
fn challenge(peer: &mut Peer) -> Vec<u8> {
    let values = peer.next();
    assert_eq!((&values[..1], values.len()), (&values!["A"][..], 2));
    let challenge = bytes(&values[1]);
    assert_eq!(challenge.len(), 20);
    challenge
}

#[test]
fn the_master_and_its_slave_prove_that_they_know_it() {
    let master = Master::start(&ours(), with_secret);
    let mut peer = master.stranger();
    let asked = challenge(&mut peer);
    let mine = b"12345678901234567890".to_vec();
    peer.send(&values!["A", proof("slave", &asked), mine.clone()]);
    peer.expect(&values!["A", proof("master", &mine)]);
    peer.send(&values!["H", 2, "127.0.0.1:1"]);
    peer.expect(&values!["W", 1]);
}

#[test]
fn challenges_differ() {
    let master = Master::start(&ours(), with_secret);
    assert_ne!(challenge(&mut master.stranger()), challenge(&mut master.stranger()));
}

#[test]
fn the_master_sends_away_who_does_not_know_it() {
    let master = Master::start(&ours(), with_secret);
    let mine = b"12345678901234567890".to_vec();
    // The wrong secret, and the right one in the wrong role.
    for role in ["master", "connect", "slav"] {
        let mut peer = master.stranger();
        let asked = challenge(&mut peer);
        peer.send(&values!["A", proof(role, &asked), mine.clone()]);
        assert!(peer.end().is_empty());
        let _ = master.node.await_log("error = its secret is another one: rs_harbor_secret differs");
    }
    let mut peer = master.stranger();
    let _ = challenge(&mut peer);
    peer.send(&values!["H", 2, "127.0.0.1:1"]);
    assert!(peer.end().is_empty());
    let _ =
        master.node.await_log("error = it sent no proof of the secret: rs_harbor_secret is not set there");
}

#[test]
fn a_slave_without_the_secret_says_what_is_missing() {
    let slave = Slave::start(&ours(), |config| config);
    let mut master = slave.master();
    assert_eq!(master.next()[..2], values!["H", 1]);
    master.send(&values!["A", b"12345678901234567890".to_vec()]);
    let _ =
        slave.node.await_log("slave shakehand failed: the master asks for a secret: set rs_harbor_secret");
}

#[test]
fn a_slave_distrusts_a_master_without_the_secret() {
    let slave = Slave::start(&ours(), with_secret);
    let mut master = slave.master();
    let mine = b"abcdefghijabcdefghij".to_vec();
    master.send(&values!["A", mine.clone()]);
    let values = master.next();
    assert_eq!(values[..2], values!["A", proof("slave", &mine)]);
    master.send(&values!["A", proof("slave", &bytes(&values[2]))]);
    let _ = slave
        .node
        .await_log("slave shakehand failed: the master can't be trusted: its secret is another one");
    assert!(master.end().is_empty(), "it was not told who the slave is");
}

/// A slave that has been introduced to its master with the secret.
fn joined(others: &[(i64, &str)]) -> (Slave, Peer) {
    let slave = Slave::start(&ours(), with_secret);
    let mut master = slave.master();
    let mine = b"abcdefghijabcdefghij".to_vec();
    master.send(&values!["A", mine.clone()]);
    let values = master.next();
    assert_eq!(values[..2], values!["A", proof("slave", &mine)]);
    master.send(&values!["A", proof("master", &bytes(&values[2]))]);
    assert_eq!(master.next()[..2], values!["H", 1]);
    master.welcome(others);
    (slave, master)
}

/// Connects to a slave, gives the proof and checks that of the other side.
#[track_caller]
fn link(slave: &Slave, id: u8) -> Peer {
    let mut peer = Peer::connect(slave.port);
    let asked = peer.bytes(20);
    peer.raw(&proof("connect", &asked));
    peer.raw(&[7; 20]);
    assert_eq!(peer.bytes(20), proof("accept", &[7; 20]));
    peer.raw(&[id]);
    peer
}

#[test]
fn a_slave_that_is_connected_to_demands_the_proof() {
    let (slave, _master) = joined(&[(2, FEATURES)]);
    let mut wrong = Peer::connect(slave.port);
    let asked = wrong.bytes(20);
    wrong.raw(&proof("accept", &asked));
    wrong.raw(&[7; 20]);
    assert!(wrong.end().is_empty());
    let _ = slave.node.await_log("is closed: its secret is another one");
    let mut two = link(&slave, 2);
    assert_eq!(two.bytes(1), [1]);
    let _ = slave.node.await_log("Harbor 2 connected (fd = ");
    // Who proves that it is of the network may replace its own link.
    let mut again = link(&slave, 2);
    assert_eq!(again.bytes(1), [1]);
    two.end();
}

#[test]
fn a_slave_that_connects_gives_the_proof_and_demands_one() {
    let (slave, mut master) = joined(&[]);
    let two = listen();
    master.send(&values!["C", 2, address(port(&two)), FEATURES]);
    let mut wrong = Peer::accept(&two);
    wrong.raw(&[5; 20]);
    let given = wrong.bytes(40);
    assert_eq!(given[..20], proof("connect", &[5; 20]));
    wrong.raw(&proof("connect", &given[20..]));
    assert!(wrong.end().is_empty(), "it did not get the id");
    let _ = slave.node.await_log("Can't connect to harbor 2 at ");

    let mut right = Peer::accept(&two);
    right.raw(&[6; 20]);
    let given = right.bytes(40);
    right.raw(&proof("accept", &given[20..]));
    assert_eq!(right.bytes(1), [1]);
    right.raw(&[2]);
    let _ = slave.node.await_log("subject: linked 2");
}
