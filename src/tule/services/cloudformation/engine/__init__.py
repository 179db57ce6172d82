"""What runs stacks.

An operation on a stack (create, update, delete) is a row with a phase, and each of its resources a row with a status.
`drive` reads them, does whatever is due next, and stops when the operation is through or when somebody outside has to
answer first.  Every step writes before it acts and after it acted, so a node that dies leaves rows from which the next
`drive` goes on: a creation that was cut is made again under the names that were chosen before, with the calls that had
already succeeded answered from their records.  `drive` is a job of the backbone, one at a time for each stack.

AWS: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-overview.html
"""
