import Agent

Netdrift.main()
