"""Grafana: dashboards as code, and what a fresh Grafana is provisioned with."""
