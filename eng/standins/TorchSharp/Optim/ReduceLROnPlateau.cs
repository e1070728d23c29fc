namespace TorchSharp;

public static partial class torch
{
    public static partial class optim
    {
        public static partial class lr_scheduler
        {
            public static partial class impl
            {
                /// <summary>Lowers the rates when a metric has not become better for some steps.</summary>
                public class ReduceLROnPlateau : LRScheduler
                {
                    private readonly bool _lowerIsBetter;
                    private readonly bool _relative;
                    private readonly double _factor;
                    private readonly double _threshold;
                    private readonly double _eps;
                    private readonly int _patience;
                    private readonly int _cooldown;
                    private readonly List<double> _floors;
                    private double _best;
                    private int _badSteps;
                    private int _rest;

                    public ReduceLROnPlateau(Optimizer optimizer, string mode = "min", double factor = 0.1, int patience = 10, double threshold = 1e-4, string threshold_mode = "rel", int cooldown = 0, IList<double> min_lr = null, double eps = 1e-8, bool verbose = false)
                        : base(optimizer, -1, verbose)
                    {
                        if (factor >= 1)
                            throw new ArgumentException("Factor should be < 1.0");
                        if (mode is not ("min" or "max"))
                            throw new ArgumentException($"mode {mode} is unknown!");
                        if (threshold_mode is not ("rel" or "abs"))
                            throw new ArgumentException($"threshold mode {threshold_mode} is unknown!");
                        _lowerIsBetter = mode == "min";
                        _relative = threshold_mode == "rel";
                        _factor = factor;
                        _threshold = threshold;
                        _eps = eps;
                        _patience = patience;
                        _cooldown = cooldown;
                        _floors = min_lr is null or { Count: 0 } ? Base.ConvertAll(_ => 0.0)
                            : min_lr.Count == 1 ? Base.ConvertAll(_ => min_lr[0]) : min_lr.ToList();
                        _best = _lowerIsBetter ? double.PositiveInfinity : double.NegativeInfinity;
                    }

                    public override void step() =>
                        throw new InvalidOperationException("step() should not be used with the ReduceLROnPlateau scheduler. Use step(double, int?), instead.");

                    public override void step(int? epoch) =>
                        throw new InvalidOperationException("step(int?) should not be used with the ReduceLROnPlateau scheduler. Use step(double, int?), instead.");

                    public override void step(double current, int? epoch = null)
                    {
                        LastEpoch = epoch ?? (LastEpoch + 1);
                        bool better = IsBetter(current);
                        if (better)
                            _best = current;
                        _badSteps = better || _rest > 0 ? 0 : _badSteps + 1;
                        if (_rest > 0)
                            _rest--;
                        if (_badSteps <= _patience)
                            return;
                        Reduce();
                        _rest = _cooldown;
                        _badSteps = 0;
                    }

                    private bool IsBetter(double metric)
                    {
                        double margin = _lowerIsBetter ? -_threshold : _threshold;
                        double bar = _relative ? _best * (1 + margin) : _best + margin;
                        return _lowerIsBetter ? metric < bar : metric > bar;
                    }

                    private void Reduce()
                    {
                        int i = 0;
                        foreach (ILearningRateController group in Optimizer.ParamGroups)
                        {
                            double reduced = Math.Max(group.LearningRate * _factor, _floors[i++]);
                            if (group.LearningRate - reduced > _eps)
                                group.LearningRate = reduced;
                        }
                    }
                }
            }
        }
    }
}
