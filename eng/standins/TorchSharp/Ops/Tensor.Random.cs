namespace TorchSharp;

public static partial class torch
{
    /// <summary>Random numbers; a null generator is the global one.</summary>
    public partial class Tensor
    {
        private static readonly Op _multinomial = new("multinomial"); public Tensor multinomial(long num_samples, bool replacement = false, Generator generator = null) => _multinomial.Call(this, num_samples, replacement, generator);
        private static readonly Op _bernoulli = new("bernoulli"); public Tensor bernoulli(Generator generator = null) => _bernoulli.Call(this, generator);
        private static readonly Op _bernoulli_float = new("bernoulli_", "float"); public Tensor bernoulli_(double p = 0.5, Generator generator = null) => Change(_bernoulli_float, this, p, generator);
        private static readonly Op _bernoulli_Tensor = new("bernoulli_", "Tensor"); public Tensor bernoulli_(Tensor p, Generator generator = null) => Change(_bernoulli_Tensor, this, p, generator);
        private static readonly Op _normal_ = new("normal_"); public Tensor normal_(double mean = 0, double std = 1, Generator generator = null) => Change(_normal_, this, mean, std, generator);
        private static readonly Op _uniform_ = new("uniform_"); public Tensor uniform_(double from, double to, Generator generator = null) => Change(_uniform_, this, from, to, generator);
        private static readonly Op _exponential_ = new("exponential_"); public Tensor exponential_(double lambda = 1, Generator generator = null) => Change(_exponential_, this, lambda, generator);
        private static readonly Op _random_ = new("random_", "from"); public Tensor random_(double from, double to, Generator generator = null) => Change(_random_, this, (long)from, (long)to, generator);
        private static readonly Op _cauchy_ = new("cauchy_"); public Tensor cauchy_(double median = 0, double sigma = 1, Generator generator = null) => Change(_cauchy_, this, median, sigma, generator);
        private static readonly Op _geometric_ = new("geometric_"); public Tensor geometric_(double p, Generator generator = null) => Change(_geometric_, this, p, generator);
        private static readonly Op _log_normal_ = new("log_normal_"); public Tensor log_normal_(double mean = 0, double std = 1, Generator generator = null) => Change(_log_normal_, this, mean, std, generator);
        private static readonly Op _poisson = new("poisson"); public Tensor poisson(Generator generator = null) => _poisson.Call(this, generator);
    }
}
