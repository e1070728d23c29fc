namespace TorchSharp;

public static partial class torch
{
    public static partial class optim
    {
        public static partial class lr_scheduler
        {
            public static partial class impl
            {
                public class ConstantLR : LRScheduler
                {
                    private readonly double _factor;
                    private readonly int _total;

                    public ConstantLR(Optimizer optimizer, double factor = 1.0 / 3, int total_iters = 5, int last_epoch = -1, bool verbose = false)
                        : base(optimizer, last_epoch, verbose)
                    {
                        _factor = factor;
                        _total = total_iters;
                        step();
                    }

                    protected override IEnumerable<double> get_lr() =>
                        Current(rate => LastEpoch == 0 ? rate * _factor : LastEpoch == _total ? rate * (1 / _factor) : rate);

                    protected override IEnumerable<double> get_closed_form_lr() => Initial(rate => LastEpoch >= _total ? rate : rate * _factor);
                }

                public class LinearLR : LRScheduler
                {
                    private readonly double _start;
                    private readonly double _end;
                    private readonly int _total;

                    public LinearLR(Optimizer optimizer, double start_factor = 1.0 / 3, double end_factor = 1, int total_iters = 5, int last_epoch = -1, bool verbose = false)
                        : base(optimizer, last_epoch, verbose)
                    {
                        _start = start_factor;
                        _end = end_factor;
                        _total = total_iters;
                        step();
                    }

                    protected override IEnumerable<double> get_lr()
                    {
                        if (LastEpoch == 0)
                            return Current(rate => rate * _start);
                        if (LastEpoch > _total)
                            return Current(rate => rate);
                        double rise = _end - _start;
                        return Current(rate => rate * (1 + (rise / ((_total * _start) + ((LastEpoch - 1) * rise)))));
                    }

                    protected override IEnumerable<double> get_closed_form_lr() =>
                        Initial(rate => rate * (_start + ((_end - _start) * Math.Min(_total, LastEpoch) / _total)));
                }

                public class CosineAnnealingLR : LRScheduler
                {
                    private readonly double _half;
                    private readonly double _floor;

                    public CosineAnnealingLR(Optimizer optimizer, double T_max, double eta_min = 0, int last_epoch = -1, bool verbose = false)
                        : base(optimizer, last_epoch, verbose)
                    {
                        _half = T_max;
                        _floor = eta_min;
                        step();
                    }

                    protected override IEnumerable<double> get_lr()
                    {
                        if (LastEpoch == 0)
                            return Current(rate => rate);
                        if ((LastEpoch - 1 - _half) % (2 * _half) == 0)
                            return Current((rate, i) => rate + ((Base[i] - _floor) * (1 - Math.Cos(Math.PI / _half)) / 2));
                        double ratio = (1 + Math.Cos(Math.PI * LastEpoch / _half)) / (1 + Math.Cos(Math.PI * (LastEpoch - 1) / _half));
                        return Current(rate => (ratio * (rate - _floor)) + _floor);
                    }

                    protected override IEnumerable<double> get_closed_form_lr() =>
                        Initial(rate => _floor + ((rate - _floor) * (1 + Math.Cos(Math.PI * LastEpoch / _half)) / 2));
                }

                public class ChainedLR : LRScheduler
                {
                    private readonly IEnumerable<LRScheduler> _schedulers;

                    public ChainedLR(IEnumerable<LRScheduler> schedulers) => _schedulers = schedulers;

                    public override void step()
                    {
                        foreach (LRScheduler scheduler in _schedulers)
                            scheduler.step();
                    }
                }

                /// <summary>One schedule after the other; a milestone is the step at which the next one begins.</summary>
                public class SequentialLR : LRScheduler
                {
                    private readonly LRScheduler[] _schedulers;
                    private readonly int[] _milestones;

                    public SequentialLR(Optimizer optimizer, IEnumerable<LRScheduler> schedulers, IEnumerable<int> milestones, int last_epoch = -1)
                        : base(optimizer, last_epoch + 1)
                    {
                        _schedulers = schedulers.ToArray();
                        _milestones = milestones.ToArray();
                        if (_schedulers.Any(scheduler => scheduler.Optimizer != optimizer))
                            throw new ArgumentException("The SequentialLR scheduler expects all its sub-schedulers to be bound to the same optimizer.");
                        if (_milestones.Length != _schedulers.Length - 1)
                            throw new ArgumentException($"Received {_schedulers.Length} schedulers and {_milestones.Length} milestones. The SequentialLR scheduler expects the number of schedulers to be one more than the number of milestones. ");
                        foreach (ILearningRateController group in optimizer.ParamGroups)
                            group.LearningRate = group.InitialLearningRate;
                        foreach (LRScheduler scheduler in _schedulers)
                            scheduler.LastEpoch--;
                        _schedulers[0].step();
                        Last = _schedulers[0].Last;
                    }

                    protected override IEnumerable<double> get_lr()
                    {
                        int now = _milestones.Length;
                        while (now > 0 && _milestones[now - 1] > LastEpoch)
                            now--;
                        if (now > 0 && _milestones[now - 1] == LastEpoch)
                            _schedulers[now].step(0);
                        else
                            _schedulers[now].step();
                        return Current(rate => rate);
                    }
                }
            }
        }
    }
}
