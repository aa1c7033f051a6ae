"""The console: pages for people, made of what the API answers.

A page asks the API for what it shows, within this process and as the person who is signed in, so that roles, rules,
sentences and figures are the API's own and stand nowhere twice. `routes` lists the pages; `page` is what each gets.
"""
