namespace Microsoft.ML.Trl.Training;

/// <summary>Learning rate of each optimizer step; the formulas of transformers' optimization.py.</summary>
internal sealed class LearningRateSchedule
{
    private static readonly Dictionary<LrSchedulerType, string[]> KnownNumbers = new()
    {
        [LrSchedulerType.Cosine] = ["num_cycles"],
        [LrSchedulerType.CosineWithRestarts] = ["num_cycles"],
        [LrSchedulerType.Polynomial] = ["lr_end", "power"],
        [LrSchedulerType.InverseSqrt] = ["timescale"],
        [LrSchedulerType.CosineWithMinLr] = ["min_lr", "min_lr_rate", "num_cycles"],
        [LrSchedulerType.CosineWarmupWithMinLr] = ["min_lr", "min_lr_rate", "num_cycles", "warmup_lr_rate"],
        [LrSchedulerType.WarmupStableDecay] = ["num_decay_steps", "num_stable_steps", "min_lr_ratio", "num_cycles"],
    };

    private readonly double _peak;
    private readonly double _warmup;
    private readonly double _total;
    private readonly IReadOnlyDictionary<string, double> _numbers;
    private readonly Func<double, double> _afterWarmup;
    private readonly Func<int, double>? _given;

    /// <param name="kind">Shape of the curve.</param>
    /// <param name="peak">Highest rate.</param>
    /// <param name="warmupSteps">Steps of the climb; below 1, a share of <paramref name="totalSteps"/>.</param>
    /// <param name="totalSteps">Optimizer steps of the run.</param>
    /// <param name="numbers">Extra numbers of the curve; see <see cref="LrSchedulerType"/>.</param>
    public LearningRateSchedule(
        LrSchedulerType kind, double peak, double warmupSteps, int totalSteps, IReadOnlyDictionary<string, double>? numbers = null)
    {
        Check(kind, numbers);
        _peak = peak;
        _warmup = kind == LrSchedulerType.Constant ? 0 : warmupSteps < 1 ? Math.Ceiling(totalSteps * warmupSteps) : Math.Floor(warmupSteps);
        _total = totalSteps;
        _numbers = numbers ?? new Dictionary<string, double>();
        Kind = kind;
        _afterWarmup = kind switch
        {
            LrSchedulerType.Linear => step => Math.Max(0, (_total - step) / Math.Max(1, _total - _warmup)),
            LrSchedulerType.Cosine => Wave,
            LrSchedulerType.CosineWithRestarts => Restarts,
            LrSchedulerType.Polynomial => Polynomial,
            LrSchedulerType.InverseSqrt => InverseSqrt,
            LrSchedulerType.CosineWithMinLr => step => AboveFloor(Wave(step)),
            LrSchedulerType.CosineWarmupWithMinLr => step => AboveFloor(Wave(step + 1)),
            LrSchedulerType.WarmupStableDecay => StableThenDecay,
            _ => _ => 1,
        };
    }

    private LearningRateSchedule(Func<int, int, double> factor, double peak, int totalSteps)
        : this(LrSchedulerType.Constant, peak, 0, totalSteps) => _given = step => Ask(factor, step, totalSteps);

    /// <summary>The schedule that options ask for.</summary>
    public static LearningRateSchedule Of(TrainingOptions options, int totalSteps) => options.LearningRateFactor is { } factor
        ? new(factor, options.LearningRate, totalSteps)
        : new(options.LrSchedulerType, options.LearningRate, options.WarmupSteps, totalSteps, options.LrSchedulerKwargs);

    private LrSchedulerType Kind { get; }

    /// <summary>The rate of a step.</summary>
    /// <param name="step">Counted from 0.</param>
    /// <exception cref="InvalidOperationException">A function of the user's threw, or gave no number that could be a factor.</exception>
    public double At(int step) => _peak * (_given is not null ? _given(step) : step < _warmup ? Climb(step) : _afterWarmup(step));

    /// <summary>Throws when the curve does not know a number's name, has no use for its value, or needs one that is missing.</summary>
    public static void Check(LrSchedulerType kind, IReadOnlyDictionary<string, double>? numbers)
    {
        string[] known = KnownNumbers.GetValueOrDefault(kind, []);
        foreach ((string name, double value) in numbers ?? new Dictionary<string, double>())
        {
            if (!known.Contains(name))
                throw new ArgumentException(
                    $"LrSchedulerKwargs has '{name}', which the {kind} schedule does not know; "
                    + $"it knows {(known.Length == 0 ? "none" : string.Join(", ", known))}.",
                    nameof(numbers));
            bool divides = name == "timescale";
            if (!double.IsFinite(value) || (divides ? value <= 0 : value < 0))
                throw new ArgumentException(
                    FormattableString.Invariant($"LrSchedulerKwargs has '{name}' = {value}; it must be a finite number, ")
                    + $"{(divides ? "greater than 0" : "0 or greater")}.",
                    nameof(numbers));
        }
        bool has(string name) => numbers?.ContainsKey(name) == true;
        if (kind is LrSchedulerType.CosineWithMinLr or LrSchedulerType.CosineWarmupWithMinLr && has("min_lr") == has("min_lr_rate"))
            throw new ArgumentException(
                $"The {kind} schedule needs either 'min_lr' or 'min_lr_rate' in LrSchedulerKwargs.", nameof(numbers));
        if (kind == LrSchedulerType.WarmupStableDecay && !has("num_decay_steps"))
            throw new ArgumentException($"The {kind} schedule needs 'num_decay_steps' in LrSchedulerKwargs.", nameof(numbers));
    }

    private static double Ask(Func<int, int, double> factor, int step, int totalSteps)
    {
        double given;
        try
        {
            given = factor(step, totalSteps);
        }
        catch (Exception cause)
        {
            throw new InvalidOperationException(
                $"LearningRateFactor threw {cause.GetType().Name} for step {step} of {totalSteps}: {cause.Message}", cause);
        }
        return double.IsFinite(given) && given >= 0 ? given : throw new InvalidOperationException(FormattableString.Invariant(
            $"LearningRateFactor gave {given} for step {step} of {totalSteps}; it must give a finite number, 0 or greater."));
    }

    private double Climb(double step)
    {
        if (Kind != LrSchedulerType.CosineWarmupWithMinLr)
            return Kind == LrSchedulerType.WarmupStableDecay
                ? AboveFloor(step / Math.Max(1, _warmup), Number("min_lr_ratio", 0))
                : step / Math.Max(1, _warmup);
        return _numbers.TryGetValue("warmup_lr_rate", out double start)
            ? start + ((1 - start) * step / Math.Max(1, _warmup - 1))
            : (step + 1) / Math.Max(1, _warmup);
    }

    private double Progress(double step) => (step - _warmup) / Math.Max(1, _total - _warmup);

    private double Wave(double step) => Math.Max(0, 0.5 * (1 + Math.Cos(Math.PI * Number("num_cycles", 0.5) * 2 * Progress(step))));

    private double Restarts(double step)
    {
        double progress = Progress(step);
        return progress >= 1 ? 0 : Math.Max(0, 0.5 * (1 + Math.Cos(Math.PI * (Number("num_cycles", 1) * progress % 1))));
    }

    private double Polynomial(double step)
    {
        double end = Number("lr_end", 1e-7);
        if (step > _total)
            return end / _peak;
        double left = 1 - ((step - _warmup) / Math.Max(1, _total - _warmup));
        return (((_peak - end) * Math.Pow(left, Number("power", 1))) + end) / _peak;
    }

    private double InverseSqrt(double step)
    {
        double timescale = Number("timescale", _warmup > 0 ? _warmup : 10_000);
        return 1 / Math.Sqrt((step + timescale - _warmup) / timescale);
    }

    private double StableThenDecay(double step)
    {
        double decay = Number("num_decay_steps", 0), floor = Number("min_lr_ratio", 0);
        double begin = _warmup + Number("num_stable_steps", _total - _warmup - decay);
        if (step < begin)
            return 1;
        if (step >= begin + decay)
            return floor;
        double wave = 0.5 * (1 + Math.Cos(Math.PI * Number("num_cycles", 0.5) * 2 * (step - begin) / Math.Max(1, decay)));
        return AboveFloor(Math.Max(0, wave), floor);
    }

    private double AboveFloor(double factor) =>
        AboveFloor(factor, _numbers.TryGetValue("min_lr", out double lowest) ? lowest / _peak : Number("min_lr_rate", 0));

    private static double AboveFloor(double factor, double floor) => Math.Max(0, (factor * (1 - floor)) + floor);

    private double Number(string name, double otherwise) => _numbers.GetValueOrDefault(name, otherwise);
}
