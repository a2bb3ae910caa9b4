"""Creates users with three groups each, with Adobe's client and its queue, as its user guide shows.

    umapi_client_act.py actions
"""

import json
import sys

from umapi_client import IdentityType, IfAlreadyExistsOption, UserAction

from umapi_client_connect import connect

GROUPS = ["Sales", "Design/UX", "Engineering"]


def main():
    connection = connect()
    succeeded = 0
    for number in range(int(sys.argv[1])):
        address = f"person{number:06d}@example.com"
        action = UserAction(user=address)
        action.create(
            email=address,
            firstname="Zoë",
            lastname="Müller",
            country="DE",
            id_type=IdentityType.federatedID,
            on_conflict=IfAlreadyExistsOption.ignoreIfAlreadyExists,
        )
        action.add_to_groups(GROUPS)
        succeeded += connection.execute_single(action)[2]
    succeeded += connection.execute_queued()[2]
    print(json.dumps({"succeeded": succeeded}))


main()
