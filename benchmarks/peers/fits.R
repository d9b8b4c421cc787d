# One peer of R on one data set, in a process of its own: Rscript fits.R PEER DATA.json [SECONDS]; prints JSON as fits.py does.
# Samplers run 4 chains of 1,000 draws after 1,000; the new setting's interval is read off one draw of it for each.
given <- commandArgs(trailingOnly = TRUE)
data <- jsonlite::fromJSON(given[2])
y <- data$events
n <- data$totals
limit <- if (length(given) > 2) as.numeric(given[3]) else 20
ends <- c(0.025, 0.975)
wald <- function(x, se) plogis(x + qnorm(ends) * se)
said <- function(mean, average, new = NULL) list(mean = mean, average = as.numeric(average), new = new)

# The package's prior, stated on (mu, w), w = log(g / (mu (1 - mu))), by a Poisson of nought: JAGS has neither tau nor trigamma,
# so that both are written out (recurrence, then the asymptotic series, DLMF 5.15.8 and 5.15.9).
jags_model <- "model {
  mu ~ dbeta(0.5, 0.5)
  w ~ dunif(-30, 15)
  shape[1] <- exp(-w) / (1 - mu)
  shape[2] <- exp(-w) / mu
  for (s in 1:2) {
    for (k in 1:8) { one[s, k] <- pow(shape[s] + k - 1, -2); two[s, k] <- 2 * pow(shape[s] + k - 1, -3) }
    r[s] <- 1 / (shape[s] + 8)
    first[s] <- sum(one[s, ]) + r[s] + pow(r[s], 2) / 2 + pow(r[s], 3) / 6 - pow(r[s], 5) / 30 + pow(r[s], 7) / 42
    second[s] <- shape[s] * (sum(two[s, ]) + pow(r[s], 2) + pow(r[s], 3) + pow(r[s], 4) / 2 - pow(r[s], 6) / 6 + pow(r[s], 8) / 6)
  }
  tau <- sqrt(first[1] + first[2])
  log_prior <- -0.5 * pow((log(tau) - log(0.8)) / 0.6, 2) - log(tau) + log((second[1] + second[2]) / (2 * tau))
  nought ~ dpois(1000 - log_prior)
  for (i in 1:K) {
    risk[i] ~ dbeta(shape[1], shape[2])
    y[i] ~ dbin(risk[i], n[i])
  }
}"

peers <- list(
  metafor = list("metafor", function() function() {
    p <- predict(rma(measure = "PLO", xi = y, ni = n, method = "REML"), transf = transf.ilogit)
    said(p$pred, c(p$ci.lb, p$ci.ub), c(p$pi.lb, p$pi.ub))
  }),
  metafor_glmm = list(c("metafor", "lme4"), function() function() {
    p <- predict(rma.glmm(measure = "PLO", xi = y, ni = n), transf = transf.ilogit)
    said(p$pred, c(p$ci.lb, p$ci.ub), c(p$pi.lb, p$pi.ub))
  }),
  vgam = list("VGAM", function() function() {
    x <- coef(summary(vglm(cbind(y, n - y) ~ 1, betabinomial)))
    said(plogis(x[1, 1]), wald(x[1, 1], x[1, 2]))
  }),
  glmmtmb = list("glmmTMB", function() function() {
    x <- coef(summary(glmmTMB(cbind(y, n - y) ~ 1, family = betabinomial)))$cond
    said(plogis(x[1, 1]), wald(x[1, 1], x[1, 2]))
  }),
  jags = list("rjags", function() function() {
    start <- lapply(1:4, function(chain) {
      list(mu = (sum(y) + 0.5) / (sum(n) + 1), w = -0.5, .RNG.name = "base::Mersenne-Twister", .RNG.seed = chain)
    })
    model <- jags.model(
      textConnection(jags_model), list(y = y, n = n, K = length(y), nought = 0),
      inits = start, n.chains = 4, n.adapt = 1000, quiet = TRUE
    )
    drawn <- as.matrix(coda.samples(model, c("mu", "w"), 1000, progress.bar = "none"))
    mu <- drawn[, "mu"]
    new <- rbeta(length(mu), exp(-drawn[, "w"]) / (1 - mu), exp(-drawn[, "w"]) / mu)
    said(mean(mu), quantile(mu, ends), as.numeric(quantile(new, ends)))
  }),
  rstanarm = list("rstanarm", function() {
    table <- data.frame(y = y, missed = n - y, series = factor(seq_along(y)))
    function() {
      fit <- stan_glmer(cbind(y, missed) ~ 1 + (1 | series),
        family = binomial, data = table, chains = 4, iter = 2000, seed = 1, refresh = 0
      )
      drawn <- as.matrix(fit, pars = c("(Intercept)", "Sigma[series:(Intercept),(Intercept)]"))
      new <- plogis(rnorm(nrow(drawn), drawn[, 1], sqrt(drawn[, 2])))
      said(mean(plogis(drawn[, 1])), quantile(plogis(drawn[, 1]), ends), as.numeric(quantile(new, ends)))
    }
  })
)

peer <- peers[[given[1]]]
began <- Sys.time()
missing <- Filter(function(name) !requireNamespace(name, quietly = TRUE), peer[[1]])
if (length(missing)) {
  cat(jsonlite::toJSON(list(skipped = paste("R's", missing[1], "is not installed")), auto_unbox = TRUE), "\n")
  quit()
}
suppressPackageStartupMessages(library(peer[[1]][1], character.only = TRUE))
since <- function(moment) as.numeric(difftime(Sys.time(), moment, units = "secs"))
imported <- since(began)
set.seed(1)
fit <- peer[[2]]()
seconds <- c()
first <- Sys.time()
while (length(seconds) < 5 && since(first) < limit) {
  began <- Sys.time()
  fits <- 0
  while (fits == 0 || since(began) < 0.2) {
    found <- suppressWarnings(suppressMessages(fit()))
    fits <- fits + 1
  }
  seconds <- c(seconds, since(began) / fits)
}
peak <- grep("VmHWM", readLines("/proc/self/status"), value = TRUE)
result <- c(
  list(
    version = as.character(packageVersion(peer[[1]][1])), import = imported, seconds = median(seconds),
    runs = length(seconds), memory = as.numeric(gsub("[^0-9]", "", peak)) / 1024
  ),
  found
)
cat("\n", jsonlite::toJSON(result, auto_unbox = TRUE, digits = 12, null = "null"), "\n", sep = "")
