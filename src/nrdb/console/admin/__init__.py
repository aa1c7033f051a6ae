"""What administrators look at and change; operators see the same and change nothing.

`forms` is a table of the changes, `changing` the two steps that all of them take: fill in, then look at what was and
what will be, and confirm. `pages`, `plan` and `limits` are what there is to look at.
"""

from nrdb.console.admin import changing, limits, pages, plan

ROUTES = [*changing.ROUTES, *limits.ROUTES, *pages.ROUTES, *plan.ROUTES]
