# One image; web, worker, beat and bootstrap by command (see compose.yaml).
FROM python:3.12-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 TRIBUTARY_HOME=/var/lib/tributary
WORKDIR /app

RUN useradd --system --create-home --home-dir /var/lib/tributary --shell /usr/sbin/nologin tributary \
    && install --directory --owner tributary --mode 0700 /var/lib/tributary/exports

COPY requirements.lock .
RUN pip install --require-hashes --no-deps -r requirements.lock

COPY . .
RUN python -m compileall -q -j 0 /app
USER tributary
EXPOSE 8000

CMD ["uvicorn", "config.asgi:application", "--host", "0.0.0.0", "--port", "8000", \
     "--proxy-headers", "--lifespan", "off", "--no-access-log", "--timeout-graceful-shutdown", "10"]
