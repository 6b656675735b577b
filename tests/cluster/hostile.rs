//! Strangers on the ports of nodes and master.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use skynet_tests::cluster::Cluster;

/// Every node's address and the master's, those that accept connections.
fn open_ports(cluster: &Cluster) -> Vec<String> {
    let mut ports: Vec<String> =
        cluster.ids().iter().map(|id| cluster.at(*id).address().to_owned()).collect();
    ports.push(cluster.master_address().to_owned());
    ports.retain(|port| TcpStream::connect(port).is_ok());
    ports
}

/// What a stranger may say: rubbish, lengths without end, handshakes that are wrong, early, late or somebody else's.
fn openings(cluster: &mut Cluster) -> Vec<Vec<u8>> {
    let mut said = vec![
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        vec![0; 4096],
        vec![0xff; 4096],
        // A link of an id that is nobody's, of one's own, of the first node's; then a message of 4 GiB.
        vec![200, 0xff, 0xff, 0xff, 0xff, 0, 0, 0],
        vec![1, 0xff, 0xff, 0xff, 0xff],
        vec![2, 0, 0, 0, 12, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0],
        // To the master: a package that ends early; `H` with ids 0, 1, 2 and 300, without an address; `D`, `N`, `R`.
        vec![250, 4],
    ];
    for id in [0_u8, 1, 2] {
        let mut package = vec![0x0c, b'H', 0x0a, id, 0x5c];
        package.extend(b"127.0.0.1:1");
        package.insert(0, package.len() as u8);
        said.push(package);
    }
    said.push(vec![5, 0x0c, b'H', 0x12, 0x2c, 0x01]);
    said.push(vec![4, 0x0c, b'H', 0x0a, 9]);
    said.push(vec![4, 0x0c, b'D', 0x0a, 1]);
    said.push(vec![2, 0x0c, b'N']);
    said.push(vec![2, 0x0c, b'R']);
    for _ in 0..20 {
        let count = cluster.random.below(300) as usize;
        said.push(cluster.random.bytes(count));
    }
    said
}

/// During a storm, strangers say all kinds of things on every port: no call fails, a node can still come and go.
pub(crate) fn bytes_on_every_port(cluster: &mut Cluster) -> Result<()> {
    cluster.start_all()?;
    cluster.storm(4)?;
    cluster.answers(10)?;
    let ports = open_ports(cluster);
    ensure!(ports.contains(&cluster.master_address().to_owned()), "the master does not listen");
    let mut kept = Vec::new();
    let openings = openings(cluster);
    for port in &ports {
        for bytes in &openings {
            let mut stream = TcpStream::connect(port).with_context(|| format!("connect to {port}"))?;
            // It may have been thrown out already.
            let _ = stream.write_all(bytes);
            if cluster.random.below(2) == 0 {
                kept.push(stream);
            }
        }
    }
    cluster.step(format!("strangers have spoken on {} ports", ports.len()));
    cluster.answers(10)?;
    cluster.calm()?.all_answered()?;
    let last = cluster.ids().len() as u32;
    cluster.kill(last)?;
    cluster.start(last)?;
    cluster.linked()?;
    cluster.storm(4)?;
    cluster.answers(10)?;
    drop(kept);
    cluster.calm().map(drop)
}

/// Connections that never say a word are ended, and do not keep anybody from linking.
pub(crate) fn connections_without_a_word(cluster: &mut Cluster) -> Result<()> {
    cluster.start(1)?;
    let mut silent = Vec::new();
    for port in open_ports(cluster) {
        for _ in 0..50 {
            silent.push(TcpStream::connect(&port).with_context(|| format!("connect to {port}"))?);
        }
    }
    cluster.step(format!("{} silent connections", silent.len()));
    cluster.start_all()?;
    cluster.storm(4)?;
    cluster.answers(10)?;
    cluster.calm()?.all_answered()?;
    for mut stream in silent {
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        // A nonce may come before the end.
        let mut said = Vec::new();
        let ended = stream.read_to_end(&mut said);
        ensure!(
            !matches!(&ended, Err(e) if e.kind() == std::io::ErrorKind::WouldBlock),
            "a silent connection stays"
        );
    }
    cluster.step("all of them were ended");
    Ok(())
}

/// Nodes that share a secret find one another; one with another secret, or none, is refused, and with the right one let in.
pub(crate) fn a_secret_keeps_strangers_out(cluster: &mut Cluster) -> Result<()> {
    let newcomer = cluster.ids().len() as u32;
    cluster.set_text("rs_harbor_secret", "open sesame");
    for id in 1..newcomer {
        cluster.start(id)?;
    }
    // How a node fails that cannot join.
    cluster.allow_in_logs("stack traceback");
    for wrong in ["open barley", ""] {
        match wrong {
            "" => cluster.unset("rs_harbor_secret"),
            wrong => cluster.set_text("rs_harbor_secret", wrong),
        }
        cluster.launch(newcomer)?;
        cluster.fails(newcomer)?;
        cluster.logged(newcomer, "rs_harbor_secret")?;
    }
    cluster.set_text("rs_harbor_secret", "open sesame");
    cluster.start(newcomer)?;
    cluster.linked()?;
    cluster.storm(4)?;
    cluster.answers(10)?;
    cluster.calm()?.all_answered()
}
