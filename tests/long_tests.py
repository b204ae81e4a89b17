"""Tests of several seconds each, which `make test` leaves out: their files, and how their names
begin after `test_`."""

from collections.abc import Mapping

LONG: Mapping[str, tuple[str, ...]] = {
    "tests/integration/postgres/test_prepared_transactions.py": (
        "a_tenants_transaction_prepared",
        "a_prepared_transaction_with",
    ),
    "tests/integration/postgres/test_locks.py": ("a_tenant_in_a_loop",),
    "tests/integration/postgres/test_guard_spares.py": (
        "two_guards",
        "the_operators_work",
    ),
    "tests/integration/neon/test_provisioning.py": (
        "a_creation_runs_operations",
        "a_creation_sends_few",
    ),
    "tests/integration/embedded/test_guard.py": ("a_guard_that_starts",),
    "tests/integration/embedded/test_log.py": (
        "a_server_whose",
        "a_failed_start",
    ),
    "tests/integration/embedded/test_extension_transfer.py": (
        "an_extension_that_was_transferred",
        "vector_of_an_earlier",
    ),
    "tests/integration/chaos/test_attacked.py": ("",),
    "tests/e2e/test_doctor.py": (
        "while_a_service_runs",
        "databases_are_recognized_under",
        "a_new_installation",
    ),
    "tests/security/test_foreign_folders.py": ("an_exported_neon_key",),
    "tests/e2e/test_browser_events.py": ("a_late_page",),
    "tests/e2e/test_serving.py": ("fifty_concurrent",),
    "tests/e2e/test_connection_limits.py": ("ten_thousand", "few_descriptors"),
    "tests/integration/postgres/test_read_only.py": (
        "a_prepared_transaction",
        "an_open_transaction",
    ),
    "tests/integration/neon/test_claims.py": (
        "services_that_start",
        "extensions_are_installed_after",
    ),
    "tests/integration/postgres/test_spares_attacked.py": ("a_neighbours_prepared",),
    "tests/integration/embedded/test_hostile_account.py": ("traps_of",),
    "tests/e2e/test_events.py": ("a_process_stops",),
    "tests/integration/neon/test_startup.py": ("isolation_by_project",),
    "tests/integration/neon/test_projects.py": ("deleting_a_twin",),
    "tests/e2e/test_shutdown.py": ("ctrl_c",),
    "tests/e2e/test_failover.py": ("",),
    "tests/e2e/test_bundled_spares.py": ("spares_survive",),
    "tests/e2e/test_startup_errors.py": (
        "a_replica_that_strangers",
        "an_invalid_host",
        "an_unreachable_registry",
        "damaged_files",
        "an_invalid_data_folder",
        "tls_files",
        "a_used_port",
    ),
    "tests/integration/embedded/test_crashes.py": (
        "a_server_killed_while",
        "a_tenants_endless",
        "a_later_start",
    ),
    "tests/integration/embedded/test_cleanup.py": ("a_lock_file", "another_program"),
    "tests/integration/embedded/test_restarts.py": ("a_second_service", "a_service_ended"),
    "tests/integration/embedded/test_users.py": ("an_ordinary_user",),
    "tests/integration/embedded/test_versions.py": (
        "a_service_works",
        "data_whose_configuration",
        "extensions_and_icu",
        "an_operators_settings",
        "data_of_the_previous",
    ),
    "tests/integration/emulator/test_command.py": (
        "settings_apply",
        "a_stop_during_startup",
        "an_unknown_setting",
    ),
    "tests/integration/neon/test_concurrency.py": (
        "concurrent_creations_succeed_in",
        "two_services",
        "concurrent_creations_succeed_despite",
    ),
    "tests/integration/postgres/test_faults_pool.py": ("a_provider_closes",),
    "tests/integration/postgres/test_faults_create.py": (
        "a_creation_whose",
        "a_repeated_creation",
        "a_repeated_deletion",
    ),
    "tests/integration/postgres/test_faults_copies.py": ("the_call_after_a_fault_completes",),
    "tests/integration/postgres/test_copies_states.py": ("a_session_that_the_admin",),
    "tests/integration/test_bench.py": ("a_service_creates", "the_reason"),
    "tests/integration/postgres/test_neighbours.py": (
        "a_session_that_the_admin",
        "autovacuum",
        "a_neighbours_lock_on",
        "a_neighbours_lock_after",
        "a_neighbours_uncommitted",
    ),
    "tests/integration/postgres/test_blocking_sessions.py": ("an_operators_session",),
    "tests/integration/registry/test_postgres_hanging.py": (
        "an_add_that",
        "a_lease_that",
        "leaving_a_lease",
        "closing_does",
        "a_statement_that_hangs",
    ),
}
"""From most of these files the sample keeps other tests."""
