"""Fleet sizing: which servers to order, where and when, so that uncertain demand is served as promised at least cost.

Where things are: :mod:`.outcomes` (samples), :mod:`.frame` (index sets), :mod:`.supply`, :mod:`.recourse`,
:mod:`.limits`, :mod:`.service`, :mod:`.objective` (blocks of the model), :mod:`.formulation` (all of them together),
:mod:`.size` (solve), :mod:`.assemble` (the plan). ``docs/explanation/fleet_model.md`` has the model in formulas.

Blocks of columns and rows, by name. These names are stable: exports, the Pyomo model and messages use them. Labels:
k server type, z zone, p pool (a region, or a zone where demand is pinned to zones), t period, b block, j demand group,
c class, r resource, m purchase option, s sample. A trailing [s] on supply blocks appears only where orders or
deliveries differ between samples.

==============================  ================================================================================
columns                         what one is
==============================  ================================================================================
racks[k,z,t]                    racks ordered in t (whole where the problem says so)
recourse_racks[k,z,t,s]         racks ordered in t knowing the sample
retired[k,z,t]                  servers of the past retired in t
stock[k,z,t,(s)]                servers in service in t
committed[m,t]                  units of a commitment begun in t
ordered[k,z,t]                  1 where an order with a minimum is placed
more, fewer[k,z,t]              racks above, below the last plan; goes_up, goes_down[k,z,t] 1 where so
served[j,k,p,t,b,s]             demand served by a type in a pool
unmet[j,t,b,s]                  demand not served
bought[m,k,p,t,b,s]             servers bought, or used of a commitment
shortage_happens[c,t,s]         1 where the class may go short (t is "horizon" for a joint promise)
shortage_var[c]                 the value at risk of shortage; shortage_tail[c,s] what is beyond it
unprotected_without_z[s]        1 where the loss of zone z need not be covered
cost_var, cost_tail[s]          value at risk of cost, and what is beyond it
served, bought_without_z[...]   the same while zone z is lost
==============================  ================================================================================

==============================  ================================================================================
rows                            what one says
==============================  ================================================================================
stock_balance[k,z,t,(s)]        stock = old + placed + survivors of orders - retired
retirable[k,z,t]                retired servers were there
never_shrink, never_grow[k,z,t] stock against the period before
power, rack_units, space[z,t]   what the servers in service take, within the zone's limit
capex_budget, cumulative_budget[t]  cash for orders; opex_budget[t] expected running cost
commitment_limit[m,t]           commitments in force
order_minimum, order_maximum[k,z,t]  an order is 0 or within its bounds
change[k,z,t]                   racks = last plan + more - fewer; change_least_*, change_most_* its size where it
                                goes up or down, change_either not both
utilization[r]                  expected use of owned servers is at least the floor
demand[j,t,b,s]                 served + unmet = demand
capacity[k,p,r,t,b,s]           resource taken on a type within what its servers have
option_limit[m,t,b,s]           use of a commitment within what is in force; of an option within its limit
fill_rate[c]                    expected unmet demand within what the promise leaves
chance[c,t]                     probability of shortage within what the promise leaves
unmet_only_if[c,j,t,b,s]        nothing unmet unless shortage_happens
chance_quantile[c,r,t,b,s]      capacity carries the quantile of the load (tightens the relaxation)
shortage_cvar[c]                CVaR of shortage within its limit; shortage_above[c,s] defines the tail
protected_without_z[j,t,b,s]    the protected share is served; protection_without_z the quantile of samples
capacity, option_limit_without_z[...]  the same while zone z is lost
pooled_without_z[r,t,b,s]       aggregate capacity without the zone (comparison only)
cost_above[s]                   defines cost_tail
==============================  ================================================================================
"""
