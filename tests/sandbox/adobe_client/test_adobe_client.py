"""Adobe's Python client does everything that its user guide describes, against the sandbox.

The client is independent of this project: where it and the sandbox disagree, the sandbox is wrong.
"""

import unittest
from unittest import mock

import umapi_client
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from umapi_client import (
    Connection,
    GroupAction,
    GroupsQuery,
    IdentityType,
    IfAlreadyExistsOption,
    JWTAuth,
    OAuthS2S,
    UserAction,
    UserQuery,
    UsersQuery,
)

from sandbox import Sandbox


def connect(sandbox, auth=None, **options):
    info = sandbox.info
    auth = auth or OAuthS2S(
        info["client_id"], info["client_secret"], auth_host=info["auth_host"], ssl_verify=info["ca_file"]
    )
    return Connection(
        org_id=info["org_id"], auth=auth, endpoint=info["endpoint"], ssl_verify=info["ca_file"], **options
    )


class SandboxTest(unittest.TestCase):
    options = ["--limits", "off", "--page-size", "20"]

    @classmethod
    def setUpClass(cls):
        cls.sandbox = Sandbox("--tls", *cls.options)
        cls.addClassCleanup(cls.sandbox.close)

    def setUp(self):
        self.sandbox.control("POST", "/reset")
        self.connection = connect(self.sandbox)


class Credentials(SandboxTest):
    def test_oauth_server_to_server_keeps_its_token(self):
        for _ in range(3):
            list(GroupsQuery(self.connection))
        self.assertEqual(self.sandbox.control("GET", "/counters")["tokens_issued"], 1)

    def test_a_wrong_secret_is_refused(self):
        info = self.sandbox.info
        auth = OAuthS2S(info["client_id"], "wrong", auth_host=info["auth_host"], ssl_verify=info["ca_file"])
        with self.assertRaisesRegex(RuntimeError, "invalid_client"):
            UserQuery(connect(self.sandbox, auth), "person000002@example.com").result()

    def test_jwt(self):
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
        self.sandbox.control("POST", "/settings", {"jwt_pem": public.decode()})
        self.assertTrue(UserQuery(connect(self.sandbox, self.jwt(private)), "person000002@example.com").result())

        other = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        with self.assertRaisesRegex(RuntimeError, "invalid_token"):
            UserQuery(connect(self.sandbox, self.jwt(other)), "person000002@example.com").result()

    def jwt(self, private):
        info = self.sandbox.info
        return JWTAuth(
            info["org_id"],
            info["client_id"],
            info["client_secret"],
            info["tech_acct_id"],
            private,
            auth_host=info["auth_host"],
            ssl_verify=info["ca_file"],
        )


class Reading(SandboxTest):
    def test_all_users_over_all_pages(self):
        users = UsersQuery(self.connection).all_results()
        expected = sorted(user["email"] for user in self.active_users() if not user.get("technical"))
        self.assertEqual(sorted(user["email"] for user in users), expected)
        self.assertGreater(self.sandbox.control("GET", "/counters")["requests"]["users"], 2)

    def active_users(self):
        return [user for user in self.sandbox.control("GET", "/state")["users"] if user["status"] == "active"]

    def test_statistics_count_technical_accounts(self):
        _, last, total, pages, number, size = self.connection.query_multiple("user")
        self.assertEqual((last, total, size), (False, len(self.active_users()), 20))
        self.assertEqual((pages, number), (-(-total // 20), 0))

    def test_users_of_a_group_and_of_a_domain(self):
        users = UsersQuery(self.connection, in_group="Engineering").all_results()
        self.assertTrue(users)
        self.assertTrue(all("Engineering" in user["groups"] for user in users))
        in_domain = UsersQuery(self.connection, in_domain="corp.example.com").all_results()
        self.assertEqual({user["domain"] for user in in_domain}, {"corp.example.com"})

    def test_indirect_members_of_a_profile(self):
        direct = UsersQuery(self.connection, in_group="Acrobat Pro DC").all_results()
        all_of_them = UsersQuery(self.connection, in_group="Acrobat Pro DC", direct_only=False).all_results()
        self.assertGreater(len(all_of_them), len(direct))

    def test_this_client_cannot_ask_for_a_group_with_a_slash(self):
        self.assertEqual(UsersQuery(self.connection, in_group="Design/UX").all_results(), [])

    def test_one_user(self):
        user = UserQuery(self.connection, "person000002@example.com").result()
        self.assertEqual(user["email"], "person000002@example.com")
        self.assertEqual(UserQuery(self.connection, "jdoe", "example.com").result()["username"], "jdoe")
        self.assertEqual(UserQuery(self.connection, "nobody@example.com").result(), {})

    def test_groups(self):
        groups = GroupsQuery(self.connection).all_results()
        state = self.sandbox.control("GET", "/state")["groups"]
        self.assertEqual([g["groupName"] for g in groups], [g["groupName"] for g in state])
        deprecated, last, *_ = self.connection.query_multiple("user-group")
        self.assertTrue(last)
        self.assertTrue(all("isReadOnly" in group for group in deprecated))

    def test_status_of_the_service(self):
        _, server = self.connection.status(remote=True)
        self.assertEqual(server["state"], "LIVE")


class UserActions(SandboxTest):
    def execute(self, *actions, **options):
        return self.connection.execute_multiple(list(actions), **options)

    def test_create_each_type_of_account(self):
        for email, kind in [
            ("new.adobe@mail.example", IdentityType.adobeID),
            ("new.enterprise@corp.example.com", IdentityType.enterpriseID),
            ("new.federated@example.com", IdentityType.federatedID),
        ]:
            action = UserAction(email)
            action.create(email, "Zoë", "O'Hara", "DE", kind).add_to_groups(["Sales", "Design/UX"])
            self.assertEqual(self.execute(action), (0, 1, 1), action.execution_errors())
            user = self.sandbox.user(email)
            self.assertEqual((user["firstname"], user["country"], user["type"]), ("Zoë", "DE", kind.name))
            self.assertEqual(user["groups"], ["Design/UX", "Sales"])

    def test_create_with_a_username_that_is_not_the_email(self):
        action = UserAction("zara", domain="example.com")
        action.create("zara.z@example.com", "Zara", "Z", "FR")
        self.assertEqual(self.execute(action), (0, 1, 1))
        self.assertEqual(self.sandbox.user("zara.z@example.com")["username"], "zara")

    def test_the_three_options_on_conflict(self):
        email = "person000002@example.com"
        before = self.sandbox.user(email)
        for option, completed, name in [
            (IfAlreadyExistsOption.ignoreIfAlreadyExists, 1, before["firstname"]),
            (IfAlreadyExistsOption.errorIfAlreadyExists, 0, before["firstname"]),
            (IfAlreadyExistsOption.updateIfAlreadyExists, 1, "Changed"),
        ]:
            action = UserAction(email)
            action.create(email, "Changed", "Name", "US", on_conflict=option)
            self.assertEqual(self.execute(action), (0, 1, completed))
            self.assertEqual(self.sandbox.user(email)["firstname"], name)
            codes = [error["errorCode"] for error in action.execution_errors()]
            self.assertEqual(codes, [] if completed else ["error.user.already_in_org"])

    def test_update(self):
        action = UserAction("person000002@example.com")
        action.update(email="renamed@example.com", username="renamed", firstname="New", lastname="Name")
        self.assertEqual(self.execute(action), (0, 1, 1), action.execution_errors())
        user = self.sandbox.user("renamed@example.com")
        self.assertEqual((user["username"], user["firstname"], user["lastname"]), ("renamed", "New", "Name"))

    def test_memberships(self):
        email = "person000002@example.com"
        self.execute(UserAction(email).remove_from_groups(all_groups=True))
        self.assertEqual(self.sandbox.user(email)["groups"], [])
        self.execute(UserAction(email).add_to_groups(["Sales", "Marketing", "Acrobat Pro DC"]))
        self.execute(UserAction(email).remove_from_groups(["Marketing"]))
        self.assertEqual(self.sandbox.user(email)["groups"], ["Acrobat Pro DC", "Sales"])

    def test_long_lists_of_groups(self):
        groups = [f"Team {number}" for number in range(25)]
        self.connection.execute_multiple([GroupAction(name).create() for name in groups])
        action = UserAction("person000002@example.com").remove_from_groups(all_groups=True).add_to_groups(groups)
        self.assertEqual(self.execute(action), (0, 1, 1), action.execution_errors())
        self.assertEqual(self.sandbox.user("person000002@example.com")["groups"], sorted(groups))

    def test_remove_from_the_organisation(self):
        for email, delete in [("person000002@example.com", False), ("person000001@corp.example.com", True)]:
            action = UserAction(email)
            action.remove_from_organization(delete_account=delete)
            self.assertEqual(self.execute(action), (0, 1, 1))
            self.assertIsNone(self.sandbox.user(email))

    def test_an_adobe_id_and_another_of_one_email(self):
        self.execute(UserAction("twin@example.com", use_adobe_id=True).add_to_groups(["Sales"]))
        self.execute(UserAction("twin@example.com").add_to_groups(["Marketing"]))
        twins = [u for u in self.sandbox.control("GET", "/state")["users"] if u["email"] == "twin@example.com"]
        self.assertEqual(
            {user["type"]: user["groups"] for user in twins}, {"adobeID": ["Sales"], "federatedID": ["Marketing"]}
        )

    def test_each_error_carries_its_command(self):
        good = UserAction("person000002@example.com").add_to_groups(["Sales"])
        bad = UserAction("person000003@example.com").add_to_groups(["Sales"]).add_to_groups(["No such group"])
        self.assertEqual(self.execute(good, bad), (0, 2, 1))
        self.assertEqual(good.execution_errors(), [])
        (error,) = bad.execution_errors()
        self.assertEqual(error["errorCode"], "error.group.not_found")
        self.assertEqual(error["command"], {"add": {"group": ["No such group"]}})

    def test_queued_actions_are_sent_ten_at_a_time(self):
        for number in range(12):
            self.connection.execute_single(UserAction(f"person{number * 5 + 2:06}@example.com").add_to_groups(["Sales"]))
        self.assertEqual(self.connection.local_status["actions-queued"], 2)
        self.assertEqual(self.connection.execute_queued(), (0, 2, 2))
        local, _ = self.connection.status()
        self.assertEqual((local["actions-sent"], local["actions-completed"]), (12, 12))

    def test_test_mode_changes_nothing(self):
        before = self.sandbox.control("GET", "/state")
        connection = connect(self.sandbox, test_mode=True)
        action = UserAction("brand.new@example.com")
        action.create("brand.new@example.com", "A", "B", "US").add_to_groups(["Sales"])
        connection.execute_single(action, immediate=True)
        self.assertEqual(action.execution_errors(), [])
        self.assertEqual(self.sandbox.control("GET", "/state"), before)

    def test_sync_start_and_end_signals(self):
        self.connection.start_sync()
        self.execute(UserAction("person000002@example.com").add_to_groups(["Sales"]))
        self.connection.end_sync()
        self.execute(UserAction("person000002@example.com").add_to_groups(["Sales"]))
        self.execute(UserAction("person000002@example.com").add_to_groups(["Sales"]))
        actions = [r for r in self.sandbox.control("GET", "/requests") if r["endpoint"] == "action"]
        pragmas = [request["headers"].get("pragma") for request in actions]
        self.assertEqual(pragmas, ["umapi-sync-start", "umapi-sync-end", None])


class GroupActions(SandboxTest):
    def test_create_change_and_delete_a_group(self):
        run = self.connection.execute_single
        self.assertEqual(run(GroupAction("Night shift").create(description="after ten"), immediate=True), (0, 1, 1))
        run(GroupAction("Night shift").add_users(["person000002@example.com", "person000003@example.com"]), True)
        run(GroupAction("Night shift").add_to_products(["Acrobat Pro DC"]), True)
        run(GroupAction("Night shift").remove_users(["person000003@example.com"]), True)
        self.assertEqual(self.sandbox.group("Night shift")["profiles"], ["Acrobat Pro DC"])
        run(GroupAction("Night shift").update(name="Day shift", description="before ten"), True)
        group = self.sandbox.group("Day shift")
        self.assertEqual(group["description"], "before ten")
        self.assertIn("Day shift", self.sandbox.user("person000002@example.com")["groups"])
        self.assertNotIn("Day shift", self.sandbox.user("person000003@example.com")["groups"])
        run(GroupAction("Day shift").remove_from_products(["Acrobat Pro DC"]), True)
        self.assertNotIn("profiles", self.sandbox.group("Day shift"))
        run(GroupAction("Day shift").delete(), True)
        self.assertIsNone(self.sandbox.group("Day shift"))

    def test_a_synced_group_refuses(self):
        action = GroupAction("Synced from AD").add_users(["person000002@example.com"])
        self.assertEqual(self.connection.execute_single(action, immediate=True), (0, 1, 0))
        (error,) = action.execution_errors()
        self.assertEqual(error["errorCode"], "error.usergroup.readonly.add_user_not_allowed")

    def test_a_group_that_exists(self):
        option = IfAlreadyExistsOption.errorIfAlreadyExists
        action = GroupAction("Sales").create(option=option)
        self.assertEqual(self.connection.execute_single(action, immediate=True), (0, 1, 0))
        self.assertEqual(action.execution_errors()[0]["errorCode"], "error.usergroup.already_exists")


class Throttled(SandboxTest):
    options = ["--time-scale", "60"]

    def test_the_eleventh_action_request_of_a_minute_waits(self):
        with mock.patch.object(umapi_client.connection, "sleep", wraps=umapi_client.connection.sleep) as slept:
            for _ in range(11):
                action = UserAction("person000002@example.com").add_to_groups(["Sales"])
                self.connection.execute_single(action, immediate=True)
        slept.assert_called_once_with(1)
        answers = self.sandbox.control("GET", "/counters")["answers"]["action"]
        self.assertEqual(answers, {"200": 11, "429": 1})


if __name__ == "__main__":
    unittest.main()
