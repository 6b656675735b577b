//! Each way in which a config can be wrong: the text on standard error, and exit code 1.

mod common;

use common::Scratch;

/// Runs a node with the config and compares what it says on standard error.
#[track_caller]
fn refused(config: &str, expected: &str) {
    let outcome = Scratch::new().run_config(config);
    assert_eq!((outcome.err.as_str(), outcome.code), (format!("{expected}\n").as_str(), Some(1)), "{config}");
}

#[test]
fn a_config_that_is_not_there() {
    let scratch = Scratch::new();
    let outcome = scratch.run(&["nowhere"]);
    assert_eq!(outcome.err, "[skynet config]:17: ./nowhere: No such file or directory\n");
    assert_eq!(outcome.code, Some(1));
    let outcome = scratch.run(&["/no/such/place"]);
    assert_eq!(outcome.err, "[skynet config]:17: /no/such/place: No such file or directory\n");
}

#[test]
fn a_config_that_is_a_folder() {
    let scratch = Scratch::new();
    scratch.write("etc/config", "");
    let outcome = scratch.run(&["etc"]);
    assert_eq!(outcome.err, "[skynet config]:18: ./etc: Is a directory\n");
    assert_eq!(outcome.code, Some(1));
}

#[test]
fn text_that_is_no_lua() {
    refused("thread = = 3", "[skynet config]:21: config:1: unexpected symbol near '='");
    refused(
        "if x then\n",
        "[skynet config]:21: config:2: 'end' expected (to close 'if' at line 1) near <eof>",
    );
}

#[test]
fn an_error_while_the_chunk_runs() {
    refused("x = os.time()", "config:1: attempt to index a nil value (global 'os')");
    refused("\nx = nil + 1", "config:2: attempt to perform arithmetic on a nil value");
    refused("error('boom')", "config:1: attempt to call a nil value (global 'error')");
}

#[test]
fn a_variable_that_the_environment_lacks() {
    refused("-- $SKYNET_TEST_UNSET.", "[skynet config]:2: os.getenv() failed: SKYNET_TEST_UNSET");
}

#[test]
fn an_include_that_is_not_there() {
    refused("include 'more'", "[skynet config]:17: ./more: No such file or directory");
    refused("include(nil)", "include needs the name of a file, not a nil value");
}

#[test]
fn an_error_in_an_included_file_names_that_file() {
    let scratch = Scratch::new();
    scratch.write("etc/more", "x = nil + 1").write("etc/wrong", "x = = 1");
    let outcome = scratch.run_config("include 'etc/more'");
    assert_eq!(outcome.err, "etc/more:1: attempt to perform arithmetic on a nil value\n");
    let outcome = scratch.run_config("include 'etc/wrong'");
    assert_eq!(outcome.err, "[skynet config]:21: etc/wrong:1: unexpected symbol near '='\n");
}

#[test]
fn a_file_that_includes_itself() {
    let outcome = Scratch::new().run_config("include 'config'");
    assert!(outcome.err.contains("include nests deeper than 64 files"), "{outcome:?}");
    assert_eq!((outcome.err.lines().count(), outcome.code), (1, Some(1)));
}

#[test]
fn keys_and_values_of_the_wrong_type() {
    refused("_ENV[1] = 'x'", "Invalid config table");
    refused("list = {}", "Invalid config table key = list");
    refused("thread = function() end", "Invalid config table key = thread");
}

#[test]
fn numbers_out_of_range() {
    refused("thread = 0", "Invalid thread 0 , should be in [1,1024]");
    refused("thread = 'abc'", "Invalid thread 0 , should be in [1,1024]");
    refused("thread = 1025", "Invalid thread 1025 , should be in [1,1024]");
    refused("harbor = 256", "Invalid harbor 256 , should be in [0,255]");
}

#[test]
fn a_module_path_without_a_question_mark() {
    refused("cpath = './cservice/thing.so'", "Invalid C service path");
}

#[test]
fn a_log_service_that_does_not_exist() {
    refused(
        "harbor = 0 logservice = 'nolog'",
        "try open nolog failed : ./cservice/nolog.so: cannot open shared object file: No such file or directory\n\
         Can't launch nolog service",
    );
}

#[test]
fn a_log_file_that_cannot_be_written() {
    let outcome = Scratch::new().run_config("harbor = 0 logger = './no/such/folder/log'");
    assert!(outcome.err.ends_with("\nCan't launch logger service\n"), "{outcome:?}");
    assert!(outcome.err.contains("./no/such/folder/log"), "{outcome:?}");
    assert_eq!(outcome.code, Some(1));
}

#[test]
fn a_bootstrap_that_does_not_exist_is_logged_too() {
    let outcome = Scratch::new().run_config("harbor = 0 bootstrap = 'nomod x y'");
    assert_eq!(outcome.out, "[:00000000] Bootstrap error : nomod x y\n\n");
    assert_eq!(
        outcome.err,
        "try open nomod failed : ./cservice/nomod.so: cannot open shared object file: No such file or directory\n"
    );
    assert_eq!(outcome.code, Some(1));
}
